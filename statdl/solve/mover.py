"""Update rules carried out in place, over the one flat vector of parameters.

A rule of :mod:`statdl.solve.rule` is a pure function, which makes a new array of every intermediate
value. Training takes so many steps that this costs more than the arithmetic, so that for NumPy each
rule has the same formula written over buffers that are made once, in portions that stay in cache.
On a card a rule is one kernel, which reads and writes every number once. The pure rule is the
oracle of their tests, and does the work everywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from statdl.backend.array import Array, is_cupy, is_numpy, namespace
from statdl.backend.kernels import NUMBERS, rule_kernel
from statdl.solve.rule import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Memory,
    Momentum,
    Nesterov,
    RMSProp,
    Rule,
)

#: Parameters that are moved at once: five arrays of so many stay in a large cache.
PORTION = 1 << 17


class Mover:
    """A rule with its memory, which moves parameters in place: the plain way."""

    def __init__(self, rule: Rule, memory: Memory, decayed: Array) -> None:
        self.rule, self.memory = rule, memory
        self._decayed = decayed  # (P,) 1 where the rule's weight decay acts, else 0

    def move(self, parameters: Array, gradient: Array, rate: float, iteration: int) -> None:
        """Move ``parameters``; ``gradient`` may be used up. Iterations count from 1."""
        step, self.memory = self.rule.move(
            gradient, self.memory, rate, iteration, parameters * self._decayed
        )
        parameters += step


class Part(NamedTuple):
    """Views of a portion: the memory, room for work, and where weight decay acts."""

    place: slice
    memory: Memory
    work: Array
    decayed: Array


class FusedMover(Mover):
    """The same in place, for NumPy."""

    def __init__(self, rule: Rule, memory: Memory, decayed: Array) -> None:
        super().__init__(rule, tuple(values.copy() for values in memory), decayed)
        size = decayed.shape[0]
        work = namespace(decayed).empty((min(size, PORTION),), dtype=decayed.dtype)
        self._fuse = FUSED[type(rule)]
        self._parts = []
        for start in range(0, size, PORTION):
            place = slice(start, min(start + PORTION, size))
            held = tuple(values[place] for values in self.memory)
            room = work[: place.stop - place.start]
            self._parts.append(Part(place, held, room, decayed[place]))

    def move(self, parameters: Array, gradient: Array, rate: float, iteration: int) -> None:
        xp = namespace(parameters)
        for part in self._parts:
            self._fuse(
                xp, self.rule, parameters[part.place], gradient[part.place], part, rate, iteration
            )


class CardMover(Mover):
    """A rule as one kernel on a card: every number is read and written once a step."""

    def __init__(self, rule: Rule, memory: Memory, decayed: Array) -> None:
        super().__init__(rule, tuple(values.copy() for values in memory), decayed)
        self._kernel = rule_kernel(KERNELS[type(rule)], len(memory))
        self._type = decayed.dtype.type

    def move(self, parameters: Array, gradient: Array, rate: float, iteration: int) -> None:
        numbers = map(self._type, numbers_of(self.rule, rate, iteration))
        self._kernel(gradient, self._decayed, *numbers, parameters, *self.memory)


def mover_of(rule: Rule, memory: Memory, decayed: Array) -> Mover:
    """Return the quickest mover there is for a rule and its memory.

    Examples
    --------
    >>> import numpy as np
    >>> w = np.array([1.0, 2.0])
    >>> mover_of(SGD(0.1), (), np.ones(2)).move(w, np.array([1.0, -1.0]), 0.1, 1)
    >>> w.tolist()
    [0.9, 2.1]
    """
    if is_cupy(decayed) and type(rule) in KERNELS:
        return CardMover(rule, memory, decayed)
    fused = is_numpy(decayed) and type(rule) in FUSED
    return (FusedMover if fused else Mover)(rule, memory, decayed)


#: The rules that kernels know, by the names of :data:`~statdl.backend.kernels.RULES`.
KERNELS: Mapping[type, str] = MappingProxyType(
    {
        SGD: "sgd",
        Momentum: "momentum",
        Nesterov: "nesterov",
        AdaGrad: "scaled",
        RMSProp: "scaled",
        Adam: "adam",
        AdamW: "adam",
    }
)


def numbers_of(rule: Rule, rate: float, iteration: int) -> tuple[float, ...]:
    """Return the numbers of a step, in the order of :data:`~statdl.backend.kernels.NUMBERS`.

    Examples
    --------
    >>> numbers_of(SGD(0.1), 0.1, 1)
    (0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    """
    found = {"rate": rate}
    if isinstance(rule, Momentum):
        fresh, rate = (1 - rule.beta, rate) if rule.dampened else (rate, 1.0)
        found = {"rate": rate, "keep": rule.beta, "fresh": fresh}
    elif isinstance(rule, Nesterov):
        found |= {"keep": rule.beta, "fresh": rate}
    elif isinstance(rule, AdaGrad):
        found |= {"keep": 1.0, "fresh": 1.0, "epsilon": rule.epsilon}
    elif isinstance(rule, RMSProp):
        found |= {"keep": rule.alpha, "fresh": 1 - rule.alpha, "epsilon": rule.epsilon}
    elif isinstance(rule, Adam):
        found |= {"keep": rule.beta1, "fresh": 1 - rule.beta1}
        found |= {"keep2": rule.beta2, "fresh2": 1 - rule.beta2}
        found |= {"decay": rate * getattr(rule, "weight_decay", 0.0)}
        found["rate"], found["epsilon"] = corrected(rule, rate, iteration)
    return tuple(found.get(name, 0.0) for name in NUMBERS)


Fused = Callable[[Any, Any, Array, Array, Part, float, int], None]


def _sgd(xp: Any, rule: SGD, w: Array, g: Array, part: Part, rate: float, iteration: int) -> None:
    xp.multiply(g, rate, out=g)
    xp.subtract(w, g, out=w)


def _momentum(
    xp: Any, rule: Momentum, w: Array, g: Array, part: Part, rate: float, iteration: int
) -> None:
    (m,) = part.memory
    xp.multiply(m, rule.beta, out=m)
    xp.multiply(g, 1 - rule.beta if rule.dampened else rate, out=g)
    xp.add(m, g, out=m)
    if rule.dampened:
        m = xp.multiply(m, rate, out=g)
    xp.subtract(w, m, out=w)


def _nesterov(
    xp: Any, rule: Nesterov, w: Array, g: Array, part: Part, rate: float, iteration: int
) -> None:
    (m,) = part.memory
    xp.multiply(m, rule.beta, out=m)
    xp.multiply(g, rate, out=g)
    xp.add(m, g, out=m)
    xp.multiply(m, rule.beta, out=part.work)
    xp.add(g, part.work, out=g)
    xp.subtract(w, g, out=w)


def _scaled_step(xp: Any, w: Array, g: Array, s: Array, work: Array, epsilon: float) -> None:
    """w ← w − g / √(s + ε)."""
    xp.add(s, epsilon, out=work)
    xp.sqrt(work, out=work)
    xp.divide(g, work, out=g)
    xp.subtract(w, g, out=w)


def _adagrad(
    xp: Any, rule: AdaGrad, w: Array, g: Array, part: Part, rate: float, iteration: int
) -> None:
    (s,) = part.memory
    xp.multiply(g, g, out=part.work)
    xp.add(s, part.work, out=s)
    xp.multiply(g, rate, out=g)
    _scaled_step(xp, w, g, s, part.work, rule.epsilon)


def _rmsprop(
    xp: Any, rule: RMSProp, w: Array, g: Array, part: Part, rate: float, iteration: int
) -> None:
    (s,) = part.memory
    _average(xp, s, xp.multiply(g, g, out=part.work), rule.alpha)
    xp.multiply(g, rate, out=g)
    _scaled_step(xp, w, g, s, part.work, rule.epsilon)


def _average(xp: Any, mean: Array, value: Array, share: float) -> None:
    """Mean ← share · mean + (1 − share) · value, which is used up."""
    xp.multiply(mean, share, out=mean)
    xp.multiply(value, 1 - share, out=value)
    xp.add(mean, value, out=mean)


def corrected(rule: Adam, rate: float, iteration: int) -> tuple[float, float]:
    """Return η and ε with the corrections of m̂ and ŝ drawn into them."""
    if not rule.corrected:
        return rate, rule.epsilon
    correction = (1 - rule.beta2**iteration) ** 0.5
    return rate * correction / (1 - rule.beta1**iteration), rule.epsilon * correction


def _adam(xp: Any, rule: Adam, w: Array, g: Array, part: Part, rate: float, iteration: int) -> None:
    """w ← w − η m̂/(√ŝ + ε), the corrections of m̂ and ŝ drawn into η and ε."""
    (m, s), work = part.memory, part.work
    rate, epsilon = corrected(rule, rate, iteration)
    xp.multiply(g, 1 - rule.beta1, out=work)
    xp.multiply(m, rule.beta1, out=m)
    xp.add(m, work, out=m)
    _average(xp, s, xp.multiply(g, g, out=g), rule.beta2)
    xp.sqrt(s, out=work)
    xp.add(work, epsilon, out=work)
    xp.divide(m, work, out=work)
    xp.multiply(work, rate, out=work)
    xp.subtract(w, work, out=w)


def _adamw(
    xp: Any, rule: AdamW, w: Array, g: Array, part: Part, rate: float, iteration: int
) -> None:
    xp.multiply(w, part.decayed, out=part.work)
    xp.multiply(part.work, rate * rule.weight_decay, out=part.work)
    xp.subtract(w, part.work, out=w)
    _adam(xp, rule, w, g, part, rate, iteration)


FUSED: Mapping[type, Fused] = MappingProxyType(
    {
        SGD: _sgd,
        Momentum: _momentum,
        Nesterov: _nesterov,
        AdaGrad: _adagrad,
        RMSProp: _rmsprop,
        Adam: _adam,
        AdamW: _adamw,
    }
)
