"""What is said of every point of a path: effective degrees of freedom and criteria.

* df are the effective degrees of freedom (:mod:`statdl.estimate.effective`): of a lasso the number
  of coefficients that are not 0, less where a ridge part or groups shrink.
* With k = df + intercepts (+ 1 for an estimated dispersion), −2 log L + 2 k is AIC, + k log n is
  BIC, and EBIC adds 2 log C(p, df) for the number of models of that size (Chen and Chen 2008).
* Where the dispersion is estimated, all fall without end as the residuals go to 0: with more
  columns than rows the least value says nothing. They choose up to n/2 parameters only.
* GCV = (deviance / n) / (1 − (df + intercepts) / n)² (Craven and Wahba 1979).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.backend.special import host
from statdl.estimate.effective import effective_df
from statdl.estimate.path import PathEstimate


@dataclass(frozen=True)
class Criteria:
    """Vectors with one value a λ; ``df`` are effective degrees of freedom.

    ``sensible`` tells where a criterion can choose: the noise, where it is estimated, has half of
    the rows at least to be estimated from.
    """

    df: Any
    deviance: Any
    log_likelihood: Any
    aic: Any
    bic: Any
    ebic: Any
    gcv: Any
    sensible: Any

    def least(self, name: str) -> int:
        """Return the place of the least value that can choose."""
        return int(np.argmin(np.where(self.sensible, getattr(self, name), math.inf)))


def criteria(path: PathEstimate) -> Criteria:
    """Return the criteria of all points of a path."""
    n = path.sample.nobs
    p = path.shape[1]
    df = effective_df(path)
    deviance = 2 * path.total_weight * (path.losses - path.saturated)
    heads = path.intercepts.shape[1] if path.specification.intercept else 0
    if path.family.name == "multinomial":
        heads = max(heads - 1, 0)
    known = path.specification.family.dispersion_known
    log_likelihood = _log_likelihood(path, deviance, n)
    k = df + heads + (0 if known else 1)
    binomial = host("gammaln")
    chosen = path.df.astype(float)
    ways = binomial(p + 1) - binomial(chosen + 1) - binomial(p - chosen + 1)
    bic = -2 * log_likelihood + math.log(n) * k
    with np.errstate(divide="ignore"):
        gcv = deviance / n / np.maximum(1 - (df + heads) / n, 0.0) ** 2
    sensible = np.full(len(df), True) if known else df + heads <= max(n / 2, df[0] + heads)
    return Criteria(
        df, deviance, log_likelihood, -2 * log_likelihood + 2 * k, bic, bic + 2 * ways, gcv,
        sensible,
    )  # fmt: skip


def _log_likelihood(path: PathEstimate, deviance: Any, n: int) -> Any:
    """Return log L, constants included, at the dispersion that maximises it."""
    family, rows = path.specification.family, path.specification.rows
    if family.dispersion_known:
        return -path.total_weight * path.losses + path.sample.constant(family, rows, 1.0)
    values = np.empty(len(deviance))
    for k, loss in enumerate(path.losses * path.total_weight):
        phi = max(deviance[k] / n, 1e-300)
        values[k] = -loss / phi + path.sample.constant(family, rows, phi)
    return values
