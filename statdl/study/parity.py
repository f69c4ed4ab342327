"""A fit beside other packages' fits to the same rows: what agrees, and to how many digits.

A difference is measured relative to the other package's value; of a coefficient, relative to the
larger of its value and its standard error; of a residual, a statistic or a limit, relative to the
largest among them (those near 0 are differences of large numbers); of p-values, by logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import to_numpy
from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.infer.goodness import Goodness
from statdl.infer.residual import fitted, residuals
from statdl.infer.wald import coefficients
from statdl.report.table import DataTable
from statdl.study.sklearn_peer import sklearn_peer
from statdl.study.statsmodels_peer import Peer, statsmodels_peer

#: Largest relative differences that count as agreement; scikit-learn stops its searches earlier.
TOLERANCES = {"statsmodels": 1e-7, "scikit-learn": 1e-5}
PEERS: Mapping[str, Callable[[Estimate], Peer]] = {
    "statsmodels": statsmodels_peer,
    "scikit-learn": sklearn_peer,
}


@dataclass(frozen=True, repr=False)
class Parity(DataTable):
    """One row a quantity and package: the values that differ most, and whether they agree.

    Examples
    --------
    >>> import statdl as sd
    >>> sd.validate(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))).agrees
    True
    """

    @property
    def agrees(self) -> bool:
        """Whether every quantity that could be compared agrees (and one at least could)."""
        return bool(len(self)) and all(one == "agrees" for one in self.columns["Verdict"])

    @property
    def largest(self) -> float:
        """The largest relative difference."""
        return float(np.max(self["Rel. difference"], initial=0.0)) if len(self) else math.nan


def parity(estimate: Estimate, packages: Any = None) -> Parity:
    """Return a regression beside the same one by statsmodels and scikit-learn.

    Raises
    ------
    ModelError
        For a network, for fits without a maximum, and where no package is installed.
    DataError
        For a fit from a file, which has no rows to fit again.
    """
    _check(estimate)
    wanted = list(PEERS) if packages is None else _listed(packages)
    found = [peer for peer in (_asked(estimate, name, packages) for name in wanted) if peer]
    ours = _own_values(estimate)
    rows = [
        _compared(quantity, peer, ours[quantity], ours)
        for peer in found
        for quantity in peer.values
    ]
    names = ("Package", "Values", "statdl", "Theirs", "Rel. difference", "Verdict")
    columns: dict[str, Any] = {name: [row[k + 1] for row in rows] for k, name in enumerate(names)}
    return Parity(
        "Quantity",
        tuple(row[0] for row in rows),
        columns,
        "Parity with other packages",
        (_sentence(columns["Rel. difference"], columns["Verdict"], _left_out(found)),),
        {
            "Values": "integer",
            "statdl": "automatic",
            "Theirs": "automatic",
            "Rel. difference": "automatic",
        },
        tuple(note for peer in found for note in peer.notes),
    )


def _check(estimate: Estimate) -> None:
    if estimate.specification.plan is not None:
        raise ModelError(
            "statsmodels has no networks, and scikit-learn's start elsewhere and stop at other "
            "minima: there is no fit that a network should agree with. A network without hidden "
            "layers is a regression, which can be validated."
        )
    _ = estimate.specification.rows.n  # a fit from a file has no rows, and says so
    if not np.all(np.isfinite(estimate.root)):
        raise ModelError(
            f"The fit has no finite maximum to compare: {estimate.convergence.message}"
        )


def _listed(packages: Any) -> list[str]:
    names = [packages] if isinstance(packages, str) else list(packages)
    unknown = [name for name in names if name not in PEERS]
    if unknown:
        raise ModelError(f"packages={unknown[0]!r} is not known; choose from {', '.join(PEERS)}.")
    return names


def _asked(estimate: Estimate, name: str, packages: Any) -> Peer | None:
    """Return what a package says; where none is named, one that is missing is passed over."""
    try:
        return PEERS[name](estimate)
    except ImportError as error:
        if name == "scikit-learn" and packages is None:
            note = "scikit-learn is not installed, and was not asked."
            return Peer(name, {}, (note,))
        raise ModelError(
            f"validate() compares with {name}, which is not installed; install it with: "
            "pip install 'statdl[validate]'."
        ) from error


def _own_values(estimate: Estimate) -> dict[str, Any]:
    """Return our values under the names that peers use."""
    table, goodness = coefficients(estimate), Goodness(estimate)
    kept = np.asarray(estimate.kept, dtype=bool)
    lower, upper = table.interval(0.95)
    rows = estimate.objective.rows
    used = slice(None) if rows.weights is None else np.flatnonzero(to_numpy(rows.weights) > 0)
    values: dict[str, Any] = {
        name: part[kept].T.reshape(-1)
        for name, part in {
            "Coefficients": table.estimate,
            "Standard errors": table.standard_error,
            "t or z values": table.statistic,
            "p-values": table.p_value,
            "Lower limits, 95 %": lower,
            "Upper limits, 95 %": upper,
        }.items()
    }
    values |= {
        "Residual variance": estimate.dispersion,
        "Dispersion": estimate.dispersion,
        "Residual sum of squares": estimate.deviance,
        "Deviance": estimate.deviance,
        "Pearson chi-squared": estimate.pearson,
        "Log-likelihood": goodness.llf,
        "AIC": goodness.aic,
        "BIC": goodness.bic,
        "Fitted values": to_numpy(fitted(estimate))[used],
        "Residuals": to_numpy(residuals(estimate, "response"))[used],
        "Pearson residuals": to_numpy(residuals(estimate, "pearson"))[used],
    }
    if estimate.specification.least_squares:
        values |= {
            "R-squared": goodness.rsquared,
            "Adj. R-squared": goodness.rsquared_adj,
        }
        if estimate.reported is None:  # under another covariance it is another test
            values["F statistic"] = goodness.fvalue
    return values


#: Quantities that are differences of larger numbers, and so are measured by the largest of them.
DIFFERENCES = ("t or z values", "Lower limits, 95 %", "Upper limits, 95 %", "Residuals",
               "Pearson residuals", "R-squared", "Adj. R-squared")  # fmt: skip


def _compared(
    quantity: str, peer: Peer, ours: Any, known: Mapping[str, Any]
) -> tuple[str, str, int, float, float, float, str]:
    """Return a row of the table: the pair of values that differ most."""
    mine = np.asarray(ours, dtype=float).reshape(-1)
    theirs = np.asarray(peer.values[quantity], dtype=float).reshape(-1)
    difference = _relative(quantity, mine, theirs, known)
    worst = int(np.argmax(np.where(np.isnan(difference), np.inf, difference)))
    largest = float(difference[worst])
    agrees = largest <= TOLERANCES[peer.name]
    pair = float(mine[worst]), float(theirs[worst])
    return quantity, peer.name, len(mine), *pair, largest, "agrees" if agrees else "DIFFERS"


def _relative(quantity: str, mine: Any, theirs: Any, known: Mapping[str, Any]) -> Any:
    """Return relative differences, on the scale that a quantity has."""
    if quantity == "p-values":
        with np.errstate(divide="ignore", invalid="ignore"):
            mine, theirs = (np.log(np.maximum(p, 1e-300)) for p in (mine, theirs))
        scale = np.maximum(np.abs(theirs), 1.0)
    elif quantity == "Coefficients":
        scale = np.maximum(np.abs(theirs), known["Standard errors"])
    elif quantity in DIFFERENCES:
        scale = np.full_like(theirs, max(1e-300, np.max(np.abs(theirs), initial=0.0)))
        scale = np.maximum(scale, 1.0) if "R-squared" in quantity else scale
    else:
        scale = np.maximum(np.abs(theirs), 1e-300)
    both = np.isnan(mine) & np.isnan(theirs)  # what neither has is no difference
    return np.where(both, 0.0, np.abs(mine - theirs) / scale)


def _left_out(peers: list[Peer]) -> str:
    """Return what no package was asked about, nothing where all was compared."""
    compared = any("Standard errors" in peer.values for peer in peers)
    return "" if compared else "errors and tests were not compared"


def _sentence(differences: list[float], verdicts: list[str], left_out: str) -> str:
    if not verdicts:
        return "Nothing could be compared; see the notes."
    count, wrong = len(verdicts), sum(one != "agrees" for one in verdicts)
    which = f"{count} quantities{' compared' if left_out else ''}"
    verdict = f"{wrong} of {which} differ" if wrong else f"All {which} agree"
    largest = f"the largest relative difference is {max(differences):.1e}"
    return "; ".join(filter(None, (verdict, left_out, largest))) + "."
