"""Weights of a network by their names: those that are held, and where the first start begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from statdl.api.arguments import several_names, weights_by_name
from statdl.api.words import lookup
from statdl.backend.random import zeros
from statdl.errors import ModelError
from statdl.estimate import Specification
from statdl.results import Fit


def held_weights(specification: Specification, fixed: Any, started: Any) -> Any:
    """Return the value of every held parameter, NaN where it is free.

    ``fixed`` are values by name, or names of weights that stay as they are in ``started``, which is
    of :func:`starting_weights`.
    """
    if not fixed:
        return None
    if started is not None and not isinstance(fixed, Mapping):
        held = _as_started(specification, several_names("fixed", fixed), started)
    else:
        held = _by_name(specification, weights_by_name("fixed", fixed))
    if (held == held).all():
        raise ModelError("fixed= holds every weight of the network, and leaves nothing to fit.")
    return held


def _as_started(specification: Specification, patterns: Sequence[str], started: Any) -> Any:
    """Return the weights that patterns name where training starts with them, NaN elsewhere."""
    chosen = _by_name(specification, dict.fromkeys(patterns, 1.0)) == 1
    unknown = chosen & (started != started)
    if unknown.any():
        name = specification.coefficient_names[int(unknown.argmax())]
        raise ModelError(
            f"fixed= holds {name!r} where start= has it, and start= does not name it; give its "
            f"value, as by fixed={{{name!r}: 0.0}}."
        )
    held = started + float("nan")
    held[chosen] = started[chosen]
    return held


def starting_weights(specification: Specification, start: Any) -> Any:
    """Return starting values from another fit or from names, NaN for weights it does not name."""
    if start is None:
        return None
    assert specification.plan is not None
    if isinstance(start, Fit):
        names = set(specification.coefficient_names)
        start = {name: value for name, value in _weights_of(start).items() if name in names}
        if not start:
            raise ModelError("start= is a fit that shares no weight names with this network.")
    return _by_name(specification, weights_by_name("start", start))


def _weights_of(fit: Fit) -> dict[str, float]:
    """Return a fit's weights by name; of weight-normalised layers g v/‖v‖, and no scales."""
    estimate = fit.estimate
    names, values = list(estimate.specification.coefficient_names), estimate.all_parameters
    plan = estimate.specification.plan
    if plan is None:
        return dict(zip(names, values, strict=True))
    network = plan.network
    scales = {place for layer in network.directed for place in layer.scale_places}
    named = zip(names, network.plain(values), strict=True)
    return {name: value for place, (name, value) in enumerate(named) if place not in scales}


def _by_name(specification: Specification, given: Mapping[str, float]) -> Any:
    """Return the values given for weights, by name or by pattern, (P,); NaN for the others."""
    names = specification.coefficient_names
    values = zeros(len(names)) + float("nan")
    for name, value in given.items():
        # a name as it is, brackets and all, before it is read as a pattern
        matches = [j for j, known in enumerate(names) if known == name]
        matches = matches or [j for j, known in enumerate(names) if fnmatchcase(known, name)]
        if not matches:
            lookup(name, dict.fromkeys(names), "weight")
        values[matches] = float(value)
    return values
