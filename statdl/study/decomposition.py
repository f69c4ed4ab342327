"""Bias, variance and noise of candidates, by refits to simulated or resampled data.

With μ̂_b(x_i) the mean that refit b predicts for row i, μ̄_i its average and f_i the true mean,

    E (y_i − μ̂(x_i))²  =  (μ̄_i − f_i)²  +  Σ_b (μ̂_b(x_i) − μ̄_i)² / B  +  Var(y_i)
                            bias²               variance                  noise

averaged over rows (Geman, Bienenstock & Doursat 1992). Where the truth is given, refits are to
responses simulated from it. Else they are to resampled rows, each row predicted by the refits that
have not seen it (Efron & Tibshirani 1997); bias² and noise cannot then be told apart without a
value for the noise, which is that of the chosen candidate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.array import like, to_numpy
from statdl.backend.random import generator
from statdl.errors import DataError, ModelError
from statdl.estimate import Estimate
from statdl.infer.residual import response_matrix
from statdl.kinds import is_number
from statdl.report import DataTable, page, plot
from statdl.report.table import Document, Printed
from statdl.solve.batched import Status
from statdl.solve.progress import shown
from statdl.study.bootstrap import case_weights, spread_tolerance
from statdl.study.complexity import Complexity
from statdl.study.many import Many, batch_of, fit_views
from statdl.study.repeatable import refuse_unbounded
from statdl.study.views import Views


@dataclass(frozen=True)
class Parts:
    """Mean bias², variance and noise of a candidate."""

    bias: float
    variance: float
    noise: float

    @property
    def total(self) -> float:
        """The expected squared error of a new row."""
        return self.bias + self.variance + self.noise


@dataclass(frozen=True, repr=False)
class Decomposition(Printed):
    """Bias², variance and noise by setting.

    Attributes
    ----------
    knob, values
        What was turned, and its settings.
    parts : tuple of Parts
        By setting.
    simulated : bool
        Whether the truth was given, or rows were resampled.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> study = sd.polynomial("mpg ~ wt", data=cars, degrees=(1, 4))
    >>> found = sd.bias_variance(study, truth=lambda rows: 37 - 5 * rows["wt"], noise=3)
    >>> found.table.columns["Noise"]
    (9.0, 9.0)
    """

    knob: str
    values: tuple[Any, ...]
    parts: tuple[Parts, ...]
    simulated: bool
    label: str

    @property
    def table(self) -> DataTable:
        """The parts and their sum by setting."""
        how = (
            "Refits to responses simulated from the truth given."
            if self.simulated
            else "Refits to resampled rows, each row predicted by those that have not seen it; the "
            "noise is that of the chosen candidate, and bias² what then remains."
        )
        return DataTable(
            self.knob.capitalize(),
            tuple(str(value) for value in self.values),
            {
                "Bias²": [one.bias for one in self.parts],
                "Variance": [one.variance for one in self.parts],
                "Noise": [one.noise for one in self.parts],
                "Error": [one.total for one in self.parts],
            },
            title=f"{self.label}: bias² + variance + noise",
            notes=(how,),
        )

    def document(self) -> Document:
        """Return the table, for a renderer."""
        return self.table.document()

    def sections(self) -> tuple[page.Section, ...]:
        """Return the picture."""
        picture = page.illustrated(
            lambda: page.drawn(self.plot, f"Bias², variance and noise over {self.knob}.")
        )
        return (page.Section("Picture", (picture,)),)

    def plot(self, ax: Any = None) -> Any:
        """Draw the parts on top of each other over the knob."""
        names = ("noise", "bias²", "variance")
        parts = ("noise", "bias", "variance")
        heights = [[getattr(one, part) for one in self.parts] for part in parts]
        return plot.draw_stack(self.knob, self.values, heights, names, self.label, ax)


def decompose(
    study: Complexity, truth: Any, noise: float | None, B: int, seed: int
) -> Decomposition:
    """Take every candidate of a study apart."""
    estimates = [one.fit.estimate for one in study.candidates]
    best = study.best.estimate
    values = tuple(one.value for one in study.candidates)
    if noise is not None and not (is_number(noise) and 0 <= noise < math.inf):
        raise ModelError(f"noise is a standard deviation, a number of 0 or more, not {noise!r}.")
    if truth is None:
        level = _noise(best) if noise is None else noise**2
        parts = [_resampled(one, level, B, seed) for one in shown(estimates, study.knob)]
    else:
        mean = _truth(best, truth)
        phi = best.dispersion if noise is None else noise**2  # one for all: it is not of a fit
        parts = [_simulated(one, mean, phi, B, seed) for one in shown(estimates, study.knob)]
    return Decomposition(study.knob, values, tuple(parts), truth is not None, study.label)


def _truth(estimate: Estimate, truth: Any) -> Any:
    """Return the true means of the rows, (n, 1)."""
    if estimate.outputs > 1:
        raise ModelError("A truth is for models with one mean a row, not for several classes.")
    source, n = estimate.frame.source, estimate.objective.n
    values = truth(source) if callable(truth) else truth
    values = np.asarray(to_numpy(values) if hasattr(values, "__array__") else values, dtype=float)
    values = values.reshape(-1)
    rows = estimate.frame.rows
    if len(values) != n and rows is not None and len(values) > int(np.max(to_numpy(rows))):
        values = values[to_numpy(rows)]
    if len(values) != n:
        raise DataError(
            f"truth has {len(values)} values for the {n} rows learnt from; give a function of the "
            "data, or one mean for each of its rows."
        )
    lost = np.flatnonzero(~np.isfinite(values))
    if len(lost):
        raise DataError(
            f"truth is missing or infinite in {len(lost)} of {n} rows, the first being the "
            f"{lost[0] + 1}th that is learnt from."
        )
    return values[:, None]


def _simulated(estimate: Estimate, mean: Any, phi: float, B: int, seed: int) -> Parts:
    family, rows, rng = estimate.family, estimate.objective.rows, generator(seed)
    eta = to_numpy(family.link.link(like(mean, rows.X)))
    y = np.stack([family.simulate(eta, rows, phi, rng) for _ in range(B)])
    predicted = _means(estimate, _refitted(estimate, Views(y=y)))
    centre = predicted.mean(axis=0)
    spread = predicted.var(axis=0, ddof=1)
    own = 1.0 if family.dispersion_known else phi
    variance = own * to_numpy(family.variance(like(eta, rows.X)))
    weights = _weights(estimate)
    return Parts(
        _average((centre - mean) ** 2, weights), _average(spread, weights),
        _average(np.broadcast_to(variance, mean.shape), weights),
    )  # fmt: skip


def _resampled(estimate: Estimate, noise: float, B: int, seed: int) -> Parts:
    counts = case_weights(estimate, B, seed)
    found = _refitted(estimate, Views(weights=counts))
    predicted = _means(estimate, found)
    # a resample that leaves a column empty stays at the fit to all rows
    moved = np.asarray([one is not Status.SINGULAR for one in found.status])
    out = ((counts == 0) & moved[:, None])[:, :, None]
    seen = out.sum(axis=0)
    usable = seen[:, 0] > 1
    if not usable.any():
        raise ModelError(f"B={B} resamples leave no row out twice; use more.")
    many = np.maximum(seen, 2)
    centre = np.where(out, predicted, 0.0).sum(axis=0) / many
    spread = (np.where(out, predicted - centre, 0.0) ** 2).sum(axis=0) / (many - 1)
    error = (to_numpy(response_matrix(estimate)) - centre) ** 2
    weights = _weights(estimate) * usable
    # the average of B values has 1/B of their variance left in its own square
    bias = _average(error - spread / many, weights) - noise
    return Parts(max(bias, 0.0), _average(spread, weights), noise)


def _refitted(estimate: Estimate, views: Views) -> Many:
    refuse_unbounded(estimate)
    return fit_views(estimate, views, tolerance=spread_tolerance(estimate))


def _means(estimate: Estimate, found: Many) -> Any:
    """Return the means that refits predict for the rows, (B, n, K)."""
    rows = estimate.objective.rows
    eta = batch_of(estimate).eta(like(found.parameters, rows.X), rows.X)
    if rows.offset is not None:
        eta = eta + rows.offset
    return np.stack([to_numpy(estimate.family.mean(eta[b, ...])) for b in range(found.count)])


def _noise(estimate: Estimate) -> float:
    """Return the mean variance of a row that a fit leaves."""
    own = 1.0 if estimate.family.dispersion_known else estimate.dispersion
    variance = to_numpy(estimate.family.variance(estimate.eta))
    per_row = np.broadcast_to(variance, (estimate.objective.n, variance.shape[1]))
    return own * _average(per_row, _weights(estimate))


def _weights(estimate: Estimate) -> Any:
    weights = estimate.objective.rows.weights
    return np.ones(estimate.objective.n) if weights is None else to_numpy(weights)


def _average(values: Any, weights: Any) -> float:
    """Return the mean over rows of sums over classes."""
    return float(weights @ np.asarray(values).sum(axis=1) / weights.sum())
