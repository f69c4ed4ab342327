"""Pseudo R²: what takes the place of R² where there are no squares to explain.

References
----------
McFadden (1974); Cox & Snell (1989), Analysis of Binary Data; Nagelkerke (1991), Biometrika 78;
Tjur (2009), Amer. Statist. 63; Efron (1978), JASA 73; McKelvey & Zavoina (1975), J. Math.
Sociol. 4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from statdl.backend.array import to_numpy
from statdl.errors import ModelError
from statdl.infer.goodness import Goodness, share
from statdl.infer.outcomes import trials

#: Variance of the latent error of each link.
LATENT = {"logit": math.pi**2 / 3, "probit": 1.0, "cloglog": math.pi**2 / 6}


def pseudo_rsquared(goodness: Goodness) -> Mapping[str, float]:
    """Return the pseudo R² of a fit, by name.

    With ℓ and ℓ₀ the log-likelihoods of the fit and of the intercept alone, k coefficients:

        McFadden             1 − ℓ/ℓ₀
        McFadden adjusted    1 − (ℓ − k)/ℓ₀
        Cox-Snell            1 − exp(2(ℓ₀ − ℓ)/n)
        Nagelkerke           Cox-Snell over its largest value, 1 − exp(2ℓ₀/n)
        Tjur                 mean probability of the cases less that of the controls
        Efron                1 − Σ(y − p̂)² / Σ(y − ȳ)²
        McKelvey-Zavoina     Var η̂ / (Var η̂ + variance of the latent error)

    Of classes, ℓ is the likelihood of single trials, without the coefficients that count the orders
    of a row's successes; and n is the number of observations, Σ w, of counts the trials. So the
    same data as counts, as shares with weights and as single trials have the same values.

    The last three are for two classes. A pseudo R² compares models of the same rows; none of them
    is a share of variance explained.

    Raises
    ------
    ModelError
        For least squares, which have R² itself, and families with a dispersion.
    """
    estimate = goodness.estimate
    if not estimate.family.dispersion_known:
        raise ModelError(
            "A pseudo R² compares log-likelihoods at a known dispersion (binomial, multinomial, "
            "poisson); least squares have fit.rsquared."
        )
    n = estimate.total_weight
    fitted, null = _log_likelihood(goodness), _log_likelihood(goodness.null)
    cox_snell = -math.expm1(2 * (null - fitted) / n)
    found = {
        "McFadden": 1 - share(fitted, null),
        "McFadden adjusted": 1 - share(fitted - goodness.parameters, null),
        "Cox-Snell": cox_snell,
        "Nagelkerke": share(cox_snell, -math.expm1(2 * null / n)),
    }
    if estimate.family.has_classes and estimate.outputs == 1:
        found |= _of_two_classes(goodness)
    return found


def _log_likelihood(goodness: Goodness) -> float:
    """Return ℓ, of classes that of single trials."""
    estimate = goodness.estimate
    return -estimate.totals.kernel if estimate.family.has_classes else goodness.llf


def _of_two_classes(goodness: Goodness) -> dict[str, float]:
    estimate = goodness.estimate
    found = trials(estimate, "Tjur's R²")
    p, cases, controls = found.probability, found.successes, found.failures
    weight = cases + controls
    share = cases.sum() / weight.sum()
    residual = cases * (1 - p) ** 2 + controls * p**2
    result = {
        "Tjur": float(cases @ p / cases.sum() - controls @ p / controls.sum()),
        "Efron": float(1 - residual.sum() / (weight.sum() * share * (1 - share))),
    }
    latent = LATENT.get(estimate.family.link.name)
    if latent is not None:
        eta = to_numpy(estimate.eta)[:, 0]
        centred = eta - np.average(eta, weights=weight)
        variance = float(np.average(centred**2, weights=weight))
        result["McKelvey-Zavoina"] = variance / (variance + latent)
    return result
