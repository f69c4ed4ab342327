"""How a network's inputs are scaled: by the rows that count, or as those of another network."""

from __future__ import annotations

from typing import Any

from statdl.errors import ModelError
from statdl.estimate import Specification
from statdl.estimate.scaling import scaling_of
from statdl.results import Fit

SCALINGS = ("standard", "minmax", "none")


def input_scaling(specification: Specification, scaling: str | None, start: Any) -> tuple[Any, Any]:
    """Return centre and spread of each column, (p,), on the host; None for inputs as given.

    A network that starts from another has that one's where they share a column: its weights are
    those of inputs so scaled, and would be another function of others.

    Raises
    ------
    ModelError
        Where the other network has scaled inputs and ``scaling`` asks for none.
    """
    own = scaling_of(specification.rows, scaling)
    plan = start.estimate.specification.plan if isinstance(start, Fit) else None
    if plan is None or not specification.rows.template.shape[1]:
        return own
    if scaling in (None, "none") and plan.centre is not None:
        raise ModelError(
            f"scaling={scaling!r} does not go with start=, a network with scaled inputs: its "
            "weights would mean something else. Leave scaling= out, and its scaling is used."
        )
    return _inherited(specification, start.estimate.specification, own)


def _inherited(specification: Specification, other: Specification, own: tuple[Any, Any]) -> Any:
    """Return the other network's centre and spread where it has the column, else the own."""
    assert other.plan is not None
    names = specification.frame.design.names
    theirs = {name: j for j, name in enumerate(other.frame.design.names)}
    if own[0] is None or (other.plan.centre is None and theirs.keys() >= set(names)):
        return None, None
    centre, spread = own
    for j, name in enumerate(names):
        if name in theirs:
            k = theirs[name]
            plan = other.plan
            centre[j] = 0.0 if plan.centre is None else plan.centre[k]
            spread[j] = 1.0 if plan.centre is None else plan.spread[k]
    return centre, spread
