"""A fit's call, made again with other settings and on some of its rows."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from statdl.api.network import mlp
from statdl.api.network_specification import ROWS, network_specification, rows_specified
from statdl.backend.array import to_numpy
from statdl.errors import ModelError, StatdlError
from statdl.estimate import Estimate, Specification
from statdl.formula import ModelFrame
from statdl.results import Call, Fit, NetworkFit
from statdl.solve.descent import GradientDescent
from statdl.study.heldout import mask
from statdl.study.learner import OneByOne
from statdl.study.networks import estimates_of
from statdl.study.parts import with_penalty
from statdl.study.room import room_of

#: Networks that are fitted at once, and copies of the rows that each of them holds.
MOST, COPIES = 500, 8


@dataclass(frozen=True)
class Repeat:
    """A model to fit again: ``rows`` are its data, a frame or (X, y), of ``total`` rows."""

    model: Fit
    rows: Any
    total: int

    @property
    def frame(self) -> ModelFrame:
        """The rows as the model reads them."""
        return self.model.estimate.frame

    def fit(self, setting: Mapping[str, Any], positions: Any) -> Fit:
        """Fit with these settings to the rows at some positions."""
        return self.model.call.again(self._changes(setting, positions))

    def fits(self, pairs: Sequence[tuple[Mapping[str, Any], Any]]) -> Iterator[Fit | StatdlError]:
        """Yield fits with some settings to the rows at some positions each; networks at once.

        What a fit says that fails is in its place.
        """
        size = 1 if self.model.estimate.specification.plan is None else self._together
        for first in range(0, len(pairs), size):
            some = pairs[first : first + size]
            if len(some) > 1:
                yield from self._at_once(some)
            else:
                yield from OneByOne(self.fit).fits(some)

    @property
    def _together(self) -> int:
        """How many times the rows may be in memory at once, in some copies each."""
        X = self.frame.X
        room = room_of(X) // (COPIES * max(int(X.shape[0]) * int(X.shape[1]), 1))
        return min(max(1, room), MOST)

    def _at_once(
        self, pairs: Sequence[tuple[Mapping[str, Any], Any]]
    ) -> Iterator[Fit | StatdlError]:
        """Yield the fits of networks."""
        known: dict[int, Specification] = {}
        read = [self._read(*pair, known) for pair in pairs]
        networks = [one for _, one in read if isinstance(one, Specification)]
        found = iter(estimates_of(networks))
        for pair, (arguments, one) in zip(pairs, read, strict=True):
            if one is None:  # without hidden layers
                yield from OneByOne(self.fit).fits([pair])
                continue
            fitted = one if isinstance(one, StatdlError) else next(found)
            if isinstance(fitted, StatdlError):
                yield fitted
            else:
                yield NetworkFit(fitted, Call(mlp, arguments))

    def _read(
        self, setting: Mapping[str, Any], positions: Any, known: dict[int, Specification]
    ) -> tuple[dict[str, Any], Any]:
        """Return the arguments of a network, and its specification, or what that says.

        Rows at the same positions are read once, unless a setting says how.
        """
        arguments: dict[str, Any] = dict(self.model.call.arguments or {})

        def read_rows() -> Specification:
            if not set(setting).isdisjoint(ROWS):
                return rows_specified(arguments)
            if id(positions) not in known:
                known[id(positions)] = rows_specified(arguments)
            return known[id(positions)]

        try:
            arguments |= self._changes(setting, positions)
            return arguments, network_specification(arguments, read_rows)
        except StatdlError as said:
            return arguments, said

    def _changes(self, setting: Mapping[str, Any], positions: Any) -> dict[str, Any]:
        """Return the arguments that are not those of the fit."""
        changes: dict[str, Any] = {"subset": mask(positions, self.total)}
        for knob, value in setting.items():
            changes |= self._turned(knob, value, changes)
        return changes

    def turned(self, settings: Mapping[str, Any]) -> Estimate | None:
        """Return what is fitted with these settings, where they are penalties of a regression."""
        estimate, value = self.model.estimate, next(iter(settings.values()), None)
        penalty = estimate.objective.penalty
        if len(settings) > 1 or not set(settings) <= {"lambda", "penalty"}:
            return None
        if not isinstance(value, int | float) or not 0 <= value < float("inf"):
            return None
        replaced = all(estimate.kept) and (penalty.shrinks or not penalty.active)
        return with_penalty(estimate, float(value)) if replaced else None

    def check(self, knob: str, value: Any) -> None:
        """Refuse a knob that the model does not have."""
        self._turned(knob, value, {})

    def _turned(self, knob: str, value: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments that turn a knob of the model."""
        arguments = {**(self.model.call.arguments or {}), **changes}
        if knob == "lambda":
            return {"penalty": value or None}
        if knob in ("epochs", "learning_rate", "batch"):
            return {"method": _trained(arguments.get("method"), knob, value)}
        front = self.model.call.front
        known = inspect.signature(front).parameters
        if knob not in known:
            raise ModelError(
                f"{front.__name__}() has no knob {knob!r}; its arguments are {', '.join(known)}, "
                "and 'lambda' and, for gradient descent, 'epochs', 'batch' and 'learning_rate' are "
                "known as well."
            )
        return {knob: value}


def _trained(method: Any, knob: str, value: Any) -> GradientDescent:
    """Return a training method with another setting."""
    if not isinstance(method, GradientDescent):
        raise ModelError(
            f"The knob {knob!r} needs a model fitted by gradient descent, such as "
            "method=sd.GradientDescent(sd.Adam(0.01), epochs=100)."
        )
    if knob == "learning_rate":
        rule: Any = method.used_rule
        return replace(method, rule=replace(rule, learning_rate=value))
    return replace(method, **{knob: value})


def repeated(model: Any, data: Any = None) -> Repeat:
    """Return a model to fit again, to other data if given."""
    if not isinstance(model, Fit):
        raise ModelError(
            f"A fit is studied, and a {type(model).__name__} is none; call lm(), glm() or mlp() "
            "first."
        )
    if data is not None:
        model = model.update(**_as_arguments(model, data))
    if model.call.arguments is None:
        model.call.again({})  # says that a loaded model holds no data
    model.estimate.specification.rows.require_memory()
    arguments = model.call.arguments or {}
    if model.formula is not None:
        rows = model.estimate.frame.source
        return Repeat(model, rows, len(rows))
    X, y = (to_numpy(arguments[name]) for name in ("X", "y"))
    return Repeat(model, (X, y), len(y))


def _as_arguments(model: Fit, data: Any) -> dict[str, Any]:
    if model.formula is not None:
        return {"data": data}
    if not isinstance(data, tuple) or len(data) != 2:
        raise ModelError("Data for a model of arrays are a pair (X, y).")
    return {"X": data[0], "y": data[1]}
