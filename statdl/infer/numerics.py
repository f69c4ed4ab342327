"""What the arithmetic of a fit was, and how far it can be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.estimate import Estimate


@dataclass(frozen=True)
class Numerics:
    """How a fit was computed, and how many digits of it the arithmetic vouches for.

    condition  κ of W^½ X with its columns scaled to length 1: what units do not decide
    method     the factorisation, and whether it was refined in twice the precision
    digits     decimal digits that are left of the largest coefficients, in units of their columns,
               when the data are rounded to their precision: −log₁₀(κ ε), about
    precision  the type of the numbers

    Examples
    --------
    >>> print(Numerics(48200.0, "QR, refined", 11.6, "float64"))
    QR, refined; condition 4.8e+04; 11.6 digits trusted (float64)
    """

    condition: float
    method: str
    digits: float
    precision: str

    def __str__(self) -> str:
        return (
            f"{self.method}; condition {self.condition:.2g}; {self.digits:.1f} digits trusted "
            f"({self.precision})"
        )

    __repr__ = __str__


def numerics(estimate: Estimate) -> Numerics:
    """Return what the arithmetic of a fit was.

    The condition is that of the information at θ̂; for least squares of X, weighted.
    """
    convergence = estimate.convergence
    dtype = str(estimate.objective.rows.template.dtype).rsplit(".", maxsplit=1)[-1]
    descent = getattr(estimate.specification.solver, "descent", None)  # of a trained network
    if descent is not None and descent.rounded is not None:
        dtype += f", products in {descent.rounded}"
    return Numerics(_condition(estimate), convergence.factorisation, convergence.digits, dtype)


def _condition(estimate: Estimate) -> float:
    """Return κ of the root of the information, its columns scaled to length 1.

    From B with B Bᵀ = I⁻¹ where it is square, whose singular values keep the digits that squaring
    would lose.
    """
    information: Any = estimate.information
    if not information.shape[0]:
        return math.nan
    scale = np.sqrt(np.abs(np.diagonal(information)))
    if not (np.all(np.isfinite(information)) and np.all(scale > 0)):
        return math.inf
    root = estimate.root
    unpenalised = estimate.objective.penalised is None and root.shape == information.shape
    if unpenalised and np.all(np.isfinite(root)):
        values = np.linalg.svd(root * scale[:, None], compute_uv=False)
        return float(values[0] / values[-1])
    values = np.linalg.eigvalsh(information / scale[:, None] / scale[None, :])
    return math.sqrt(values[-1] / values[0]) if values[0] > 0 else math.inf
