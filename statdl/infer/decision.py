"""What a classifier decides over the plane of two variables, the others at a typical value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import to_numpy
from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.formula.settable import check_variable
from statdl.infer.outcomes import of_all, outcomes
from statdl.infer.population import Population, datagrid, encoded, population
from statdl.infer.predict import predict

#: The plane reaches this share of the data's range beyond it.
BEYOND = 0.05


@dataclass(frozen=True)
class Decision:
    """Probabilities (K, m, m) over a plane, ``y`` (m,) along the middle axis and ``x`` the last.

    ``seen`` are x, y and the class of the rows of the fit, (n,) each; ``others`` tells whether the
    model has other variables, which are held.
    """

    x: Any
    y: Any
    probability: Any
    labels: tuple[str, ...]
    seen: tuple[Any, Any, Any]
    others: bool

    @property
    def decided(self) -> Any:
        """The most probable class of each point, (m, m), as a place among the labels."""
        return self.probability.argmax(axis=0)


def decision(
    estimate: Estimate, x: str, y: str, at: Mapping[str, Any] | None = None, points: int = 200
) -> Decision:
    """Return what is predicted over a grid of two variables.

    ``at`` gives values of other variables; the rest are at their mean or most frequent level.

    Raises
    ------
    ModelError
        For a response without classes, and variables that are no numbers of the model.
    """
    found = outcomes(estimate, "A decision picture")
    rows = population(estimate)
    plane = {name: _axis(rows, name, points) for name in (x, y)}
    at = dict(at or {})
    several = [name for name in at if name in plane or np.ndim(at[name]) > 0]
    if len(plane) < 2 or several:
        raise ModelError(
            f"x={x!r} and y={y!r} must be two variables, and at= gives one value of each other "
            "that is not to be typical."
        )
    grid = datagrid(estimate, "mean_or_mode", {**at, **plane})
    X, offset = encoded(estimate, estimate.frame.design.encode(grid))
    shares = of_all(to_numpy(predict(estimate, X, offset).fit)).T.reshape(-1, points, points)
    if rows.variables.index(x) < rows.variables.index(y):  # the last runs fastest
        shares = shares.transpose(0, 2, 1)
    return Decision(
        np.asarray(plane[x]),
        np.asarray(plane[y]),
        shares,
        found.labels,
        (rows.column(x), rows.column(y), found.counts.argmax(axis=1)),
        len(rows.variables) > 2,
    )


def _axis(rows: Population, name: str, points: int) -> list[float]:
    """Return values of a numeric variable from a little below its smallest to above its largest."""
    check_variable(rows.estimate.frame.design, name)
    if rows.data.observed(name).levels:
        raise ModelError(f"{name!r} is a factor; the axes of a decision picture are numbers.")
    values = np.asarray(rows.column(name), dtype=float)
    low, high = values.min(), values.max()
    margin = BEYOND * (high - low or 1.0)
    return np.linspace(low - margin, high + margin, points).tolist()
