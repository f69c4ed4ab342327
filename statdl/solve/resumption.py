"""A run of training as a checkpoint holds it: what is saved of its course, and taken up again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from statdl.backend.array import like, namespace, to_numpy
from statdl.errors import ModelError
from statdl.solve.checkpoint import Checkpoint, load, save
from statdl.solve.course import Best, Course, Lesson
from statdl.solve.descent import GradientDescent
from statdl.solve.iterate import State
from statdl.solve.mover import mover_of


def _settings(descent: GradientDescent, lesson: Lesson, course: Course) -> dict[str, Any]:
    return {
        **lesson.settings,
        "rule": repr(descent.used_rule),
        "batch": descent.batch,
        "schedule": repr(descent.schedule),
        "clip": descent.clip,
        "seed": course.seed,
    }


def save_run(
    checkpoint: Checkpoint | None, descent: GradientDescent, lesson: Lesson, state: State
) -> None:
    """Save the run after an epoch, where one is to be saved then."""
    course: Course = state.memory
    if checkpoint is None or not checkpoint.due(course.epoch, last=state.outcome is not None):
        return
    arrays = {"parameters": state.parameters, **lesson.pack(course.statistics)}
    arrays |= {f"memory.{k}": values for k, values in enumerate(course.mover.memory)}
    facts: dict[str, Any] = {
        "settings": _settings(descent, lesson, course),
        "epoch": course.epoch,
        "iteration": course.iteration,
        "history": course.history,
    }
    if course.best is not None:
        best = course.best
        facts["best"] = {"epoch": best.epoch, "loss": best.loss}
        packed = {"parameters": best.parameters, **lesson.pack(best.statistics)}
        arrays |= {f"best.{name}": values for name, values in packed.items()}
    save(checkpoint.path, {k: to_numpy(v) for k, v in arrays.items()}, facts)


def resumed(path: str | Path, descent: GradientDescent, lesson: Lesson, state: State) -> State:
    """Return the state that a checkpoint holds, of a run that begins at ``state``.

    Raises
    ------
    ModelError
        When the run has had more epochs than are asked for, or had other settings.
    DataError
        When the file is no checkpoint.
    """
    course: Course = state.memory
    arrays, facts = load(path, _settings(descent, lesson, course))
    if facts["epoch"] > descent.most_epochs:
        raise ModelError(
            f"{str(path)!r} was saved after {facts['epoch']} epochs, more than epochs="
            f"{descent.most_epochs}; ask for more epochs, or start anew without resume=."
        )
    arrays = {k: like(v, state.parameters) for k, v in arrays.items()}
    memory = tuple(arrays[f"memory.{k}"] for k in range(len(course.mover.memory)))
    best = facts.get("best")
    if best is not None:
        part = {k.removeprefix("best."): v for k, v in arrays.items() if k.startswith("best.")}
        best = Best(best["epoch"], best["loss"], part["parameters"], lesson.unpack(part))
    statistics = lesson.unpack(arrays)
    course.learner.statistics = statistics
    decayed = lesson.slopes(namespace(state.parameters).ones_like(state.parameters))
    course = replace(
        course,
        mover=mover_of(descent.used_rule, memory, decayed),
        epoch=facts["epoch"],
        iteration=facts["iteration"],
        statistics=statistics,
        best=best,
        history=tuple(facts["history"]),
    )
    return replace(state, parameters=arrays["parameters"], memory=course)
