"""How the batches of an epoch get to the machine: one after the other, or a whole epoch at once.

The usual way asks for a gradient, moves the weights, and asks for the next. On a card a learner may
take all batches by itself: replays of a captured step (``launch="graph"``), or one launch an epoch
(``launch="epoch"``). What such a learner cannot do is refused before any epoch.
"""

from __future__ import annotations

from typing import Any

from statdl.backend.array import Array, is_numpy, namespace
from statdl.errors import ModelError
from statdl.solve.course import Course, Learner, Lesson, batches
from statdl.solve.descent import GradientDescent
from statdl.solve.iterate import norm
from statdl.solve.mover import KERNELS, Mover, numbers_of


def learner_of(descent: GradientDescent, lesson: Lesson, decayed: Array) -> Learner:
    """Return what walks through an epoch, or refuse what a card is asked for in vain.

    ``decayed`` (P,) is 1 where a rule's own weight decay acts, else 0.

    Raises
    ------
    ModelError
        For a launch or products that are not to be had here.
    """
    batch, launch, products = descent.rows_of(lesson.n), descent.launch, descent.products
    if descent.rounded is not None:
        _refuse("products", products, lesson.products_obstacle(launch))
    if launch == "plain":
        return lesson.learner(batch, products)
    obstacle = lesson.launch_obstacle(launch)
    name = KERNELS.get(type(descent.used_rule))
    if descent.clip is not None or name is None:
        obstacle = "clipped gradients and rules of your own are left to launch='plain'"
    _refuse("launch", launch, obstacle)
    return lesson.whole_learner(launch, batch, str(name), decayed, products)


def _refuse(option: str, value: str, obstacle: str | None) -> None:
    if obstacle is not None:
        raise ModelError(f"{option}={value!r} cannot be used here: {obstacle}. Leave it out.")


def take_epoch(
    descent: GradientDescent, lesson: Lesson, course: Course, parameters: Array
) -> tuple[float, Array]:
    """Move ``parameters`` through an epoch; return the last rate and the last gradient."""
    course.learner.open(parameters, course.seed, course.epoch)
    if descent.launch == "plain":
        return _batch_by_batch(descent, lesson, course, parameters)
    return _at_once(descent, lesson, course)


def _batch_by_batch(
    descent: GradientDescent, lesson: Lesson, course: Course, parameters: Array
) -> tuple[float, Array]:
    size, n = descent.rows_of(lesson.n), lesson.n
    schedule = descent.used_schedule(descent.steps(n))
    iteration, rate = course.iteration, course.rate
    last = range(0, n, size)[-1]
    for first in range(0, n, size):
        gradient = course.learner.gradient(first, min(first + size, n))
        if first == last:
            kept = gradient + 0.0  # movers use gradients up
        if descent.clip is not None:
            _clip(gradient, descent.clip)
        rate = course.rate * schedule.factor(iteration, course.epoch)
        iteration += 1
        course.mover.move(parameters, gradient, rate, iteration)
        if lesson.lasso is not None:
            _shrink(lesson, course.mover, parameters, rate, iteration)
    return rate, kept


def _at_once(descent: GradientDescent, lesson: Lesson, course: Course) -> tuple[float, Array]:
    learner: Any = course.learner
    rule, first, n = descent.used_rule, course.iteration, lesson.n
    schedule = descent.used_schedule(descent.steps(n))
    iterations = range(first, first + batches(n, descent.rows_of(n)))
    rates = [course.rate * schedule.factor(k, course.epoch) for k in iterations]
    numbers = [numbers_of(rule, rate, k + 1) for rate, k in zip(rates, iterations, strict=True)]
    return rates[-1], learner.whole(course.mover.memory, numbers)


def _clip(gradient: Array, longest: float) -> None:
    """Shorten a gradient in place; a device is not asked for its length."""
    if not is_numpy(gradient):
        xp = namespace(gradient)
        length = xp.sqrt(xp.sum(gradient * gradient))
        gradient *= longest / xp.maximum(length, xp.full_like(length, longest))
        return
    length = norm(gradient)
    if length > longest:
        gradient *= longest / length


def _shrink(lesson: Lesson, mover: Mover, parameters: Array, rate: float, iteration: int) -> None:
    """Take the proximal step of Σ λ|θ|: towards 0, and no further.

    It goes as far as the rule would go for a slope of λ that stayed the same, so that a weight
    rests at 0 exactly where the likelihood's slope is below λ.
    """
    xp = namespace(parameters)
    reach = mover.rule.reach(mover.memory, rate, iteration)
    threshold = reach * lesson.lasso / max(lesson.total_weight(), 1e-300)
    left = xp.abs(parameters) - threshold
    parameters[...] = xp.sign(parameters) * xp.where(left > 0, left, xp.zeros_like(left))
