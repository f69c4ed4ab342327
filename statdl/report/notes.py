"""The sentences beneath the tables of a regression: conventions, and everything that is amiss."""

from __future__ import annotations

from collections.abc import Sequence

from statdl.estimate import Estimate
from statdl.formula.suggest import count
from statdl.infer.goodness import Goodness
from statdl.model.penalty import shrinkage
from statdl.solve.iterate import Outcome


def notes(goodness: Goodness) -> tuple[str, ...]:
    """Return the sentences of a summary, in the order in which they are read."""
    estimate = goodness.estimate
    return (
        *_convergence_notes(estimate),
        *_covariance_notes(goodness),
        *_aliased_notes(estimate),
        *missing_notes(estimate),
        *_penalty_notes(estimate),
        *_precision_notes(goodness),
    )


def _convergence_notes(estimate: Estimate) -> Sequence[str]:
    record = estimate.convergence
    if record.outcome is Outcome.SEPARATION:
        return record.notes
    if record.outcome is Outcome.EPOCHS or not record.converged:
        return (" ".join((f"{record.method}: {record.message}", *record.notes)),)
    return record.notes


def _covariance_notes(goodness: Goodness) -> list[str]:
    """Say where errors are from, if not from the model itself."""
    estimate = goodness.estimate
    if estimate.reported is None:
        return []
    found = [estimate.reported.note]
    if estimate.specification.least_squares and goodness.slopes.note:
        found.append(f"F-statistic: {goodness.slopes.note}")
    return found


def _aliased_notes(estimate: Estimate) -> list[str]:
    names = estimate.specification.coefficient_names
    aliased = [name for name, keep in zip(names, estimate.kept, strict=True) if not keep]
    if not aliased:
        return []
    listed = ", ".join(f"'{name}'" for name in aliased)
    return [
        f"NA: not estimable, since {listed} "
        f"{'are' if len(aliased) > 1 else 'is'} a combination of the other columns."
    ]


def missing_notes(estimate: Estimate) -> list[str]:
    """Say how many rows had missing values, if any."""
    dropped = estimate.frame.dropped
    if not dropped:
        return []
    return [
        f"{count(dropped)} {'was' if dropped == 1 else 'were'} dropped because of missing values."
    ]


def _penalty_notes(estimate: Estimate) -> list[str]:
    """Say what a penalty does to estimates, errors and degrees of freedom."""
    penalty, found = estimate.specification.penalty, []
    if penalty.active and not penalty.shrinks:
        found.append(
            "Bias-reduced (Firth 1993): the estimates maximise log L + ½ log |I|. Wald intervals "
            "are poor where classes are separated; take confint(method='profile')."
        )
    if estimate.selected:
        found.append(f"Degrees of freedom are effective ones ({estimate.degrees_of_freedom:.4g}).")
    elif penalty.shrinks:
        found.append(
            f"Penalised fit: estimates are {shrinkage(penalty)}, the penalised covariance is "
            "(I + Λ)⁻¹ I (I + Λ)⁻¹, and degrees of freedom are effective ones "
            f"({estimate.degrees_of_freedom:.4g}). p-values and intervals ignore the bias."
        )
    return found


def _precision_notes(goodness: Goodness) -> list[str]:
    """Say where nothing, or next to nothing, is left to judge the fit by."""
    estimate, found = goodness.estimate, []
    if not estimate.family.dispersion_known and not estimate.df_resid > 0:
        found.append(
            "There are as many coefficients as rows: the fit is exact and leaves nothing to "
            "estimate standard errors from."
        )
    if _exact(goodness):
        found.append(
            "The fit is essentially perfect: what is left is rounding, and so are the tests."
        )
    record = estimate.convergence
    if record.digits < 6 and record.outcome is not Outcome.SEPARATION:
        found.append(
            "The columns are nearly dependent: the coefficients are good for about "
            f"{record.digits:.0f} digits ({record.factorisation})."
        )
    return found


def _exact(goodness: Goodness) -> bool:
    """Tell whether least squares leaves no more than rounding, as R warns."""
    estimate = goodness.estimate
    if not estimate.specification.least_squares or not estimate.df_resid > 0:
        return False
    return estimate.deviance <= 1e-28 * estimate.nobs * goodness.mean_square
