"""What the data determine of a network's weights.

The eigenvalues of the information tell, each parameter scaled to a unit diagonal, so that units of
measurement do not decide. One thing the diagonal itself must tell: a unit that decay has switched
off, its outgoing weights 0, leaves nothing but rounding on the diagonal of its bias, and scaling
that to 1 would make something of it. Biases have no units of measurement, so a hidden bias is
compared with the output's, and so are the directions of weight normalisation, unit by unit.
What no data could tell, the lengths of those directions, is left out beforehand
(:mod:`statdl.estimate.redundancy`).

Where the information, with the penalty, is singular, the covariance lives on the directions that
are determined, which is what predictions and effects need.

Which information: the expected one, I = Σ J_iᵀ W_i J_i, has the rank of what the data can tell, no
more than rows times outputs, wherever θ is. The exact second derivative of −log L tells the same
only where its gradient is 0. Along a curve of one and the same function, such as a unit's weights
scaled up and those that leave it scaled down, −log L does not change; yet where its gradient g is
not 0, its second derivative along the tangent is −g times how the curve bends. At a penalised
optimum g = −Λ θ̂, and what decay does would be taken for what the data say. So the information is
the expected one under a penalty, and wherever the exact one has more rank; else the exact one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from statdl import model
from statdl.backend.array import Array, epsilon, like, namespace
from statdl.backend.linalg import factorise, shrunken_root
from statdl.estimate.record import Identification
from statdl.estimate.redundancy import Redundancy
from statdl.model.objective import Objective
from statdl.model.predictor import Predictor

#: Smallest eigenvalue of the scaled information, relative to the largest, of a direction the data
#: determine; and smallest diagonal of a hidden bias, relative to the output's. In single precision
#: it is what rounding leaves.
DETERMINED = 1e-10
#: Above this many free weights the information, with its square of entries, is not worked out.
EXAMINED_WEIGHTS = 5000


@dataclass(frozen=True)
class Determined:
    """What the data determine: the information, a covariance root, the verdict.

    ``negative`` counts the directions of negative curvature of an exact information, which count
    as 0 in the root and in the degrees of freedom. ``expected`` is the expected information, where
    it was worked out on the way.
    """

    information: Array
    root: Array
    effective: float
    identification: Identification
    negative: int = 0
    expected: Array | None = None


def determine(
    objective: Objective, parameters: Array, *, expected: bool | None = None
) -> Determined:
    """Return the information I at θ̂, and what follows from it.

    Without a penalty the covariance is I⁻¹ and all P parameters count; with Λ they are
    (I + Λ)⁻¹ I (I + Λ)⁻¹ and tr((I + Λ)⁻¹ I), which is at most the rank of I. ``expected`` asks for
    the expected or the exact information; by default it is chosen as above.
    """
    if objective.size > EXAMINED_WEIGHTS:
        return _unexamined(parameters)
    apart = Redundancy.of(objective.predictor, parameters)
    if expected is None:
        information, worked_out = _trusted(objective, parameters, apart)
        found = _determined(objective, parameters, apart, information, expected)
        return replace(found, expected=worked_out)
    information = _information(objective, parameters, apart, expected)
    return _determined(objective, parameters, apart, information, expected)


def _determined(
    objective: Objective,
    parameters: Array,
    apart: Redundancy,
    information: Array,
    expected: bool | None,
) -> Determined:
    """Return what follows from an information."""
    predictor = objective.predictor
    known = filled(predictor, apart, information)
    alone = _regular(predictor, apart, known)
    if alone and objective.penalised is None:
        root = apart.across(factorise(known).inverse_root())
        effective = float(objective.size - apart.count)
        return Determined(information, root, effective, Identification.IDENTIFIED)
    total, bare_information = known, apart.apart(information)
    if objective.penalised is not None:
        total = filled(predictor, apart, information + _shrinkage(objective, parameters, apart))
    negative = 0 if expected is not False else _negative(predictor, apart, bare_information, total)
    if _regular(predictor, apart, total):
        root, effective = shrunken_root(factorise(total), bare_information)
        verdict = Identification.IDENTIFIED if alone else Identification.THROUGH_PENALTY
        return Determined(information, apart.across(root), effective, verdict, negative)
    root = _root(predictor, apart, total)
    effective = float(root.shape[1] - apart.count)
    if objective.penalised is not None:
        root, effective = _shrunken(root, bare_information)
    verdict = Identification.SINGULAR
    return Determined(information, apart.across(root), effective, verdict, negative)


def _trusted(objective: Objective, parameters: Array, apart: Redundancy) -> tuple[Array, Array]:
    """Return the exact information where it says no more than the data do, else the expected.

    The expected one, which is worked out either way, comes second.
    """
    expected = _information(objective, parameters, apart, True)
    if objective.penalised is not None or objective.predictor.linear:
        return expected, expected
    exact = _information(objective, parameters, apart, False)
    said, told = (determined_rank(objective.predictor, apart, one) for one in (exact, expected))
    return expected if said > told else exact, expected


def _information(
    objective: Objective, parameters: Array, apart: Redundancy, expected: bool
) -> Array:
    """Return the curvature of the loss alone; an exact one without what decay adds to it."""
    bare = replace(objective, penalised=None)
    information = bare.curvature(parameters, expected=expected)
    if expected or objective.penalised is None:
        return information
    extra = apart.decay_curvature(objective.penalised)
    return information if extra is None else information - extra


def _shrinkage(objective: Objective, parameters: Array, apart: Redundancy) -> Array:
    """Return Λ, the curvature of the penalty in the coordinates of plain weights."""
    xp, penalised = namespace(parameters), like(objective.penalised, parameters)
    slopes = objective.penalty.curvature(parameters, penalised)
    shrinkage = slopes[:, None] * xp.eye(slopes.shape[0], dtype=slopes.dtype, device=slopes.device)
    extra = apart.decay_curvature(penalised)
    return shrinkage if extra is None else shrinkage + extra


def filled(predictor: Predictor, apart: Redundancy, H: Array) -> Array:
    """Return H with something definite along what no data could tell."""
    if not apart.count:
        return H
    _, output = _biases(predictor)
    diagonal = namespace(H).linalg.diagonal(H)
    most = max((float(diagonal[place]) for place in output), default=0.0)
    return apart.filled(H, tolerance(H) * max(most, 0.0))


def scaled(predictor: Predictor, apart: Redundancy, H: Array) -> tuple[Array, Array]:
    """Return H with a unit diagonal, and the square roots of the diagonal it had."""
    xp = namespace(H)
    diagonal = xp.abs(xp.linalg.diagonal(H))
    scale = xp.sqrt(xp.where(diagonal > 0, diagonal, xp.ones_like(diagonal)))
    hidden, output = _biases(predictor)
    if hidden and output:
        least = math.sqrt(tolerance(H)) * max(float(scale[place]) for place in output)
        for place in hidden:
            scale[place] = max(float(scale[place]), least)
        for one in apart.directions:
            if float(xp.sum(scale[one.places] ** 2)) <= 2 * least**2:
                scale[one.places] = least
    return H / scale[:, None] / scale[None, :], scale


def determined_root(predictor: Predictor, parameters: Array, H: Array) -> Array:
    """Return B with B Bᵀ the pseudo-inverse of H over the directions that are determined at θ."""
    apart = Redundancy.of(predictor, parameters)
    return apart.across(_root(predictor, apart, filled(predictor, apart, H)))


def _root(predictor: Predictor, apart: Redundancy, H: Array) -> Array:
    xp = namespace(H)
    if not bool(xp.all(xp.isfinite(H))):
        return xp.full_like(H, math.nan)
    unit, scale = scaled(predictor, apart, H)
    values, vectors = xp.linalg.eigh(unit)
    kept = int(xp.sum(xp.astype(values > tolerance(H) * values[-1], xp.int64)))
    first = H.shape[0] - kept
    return vectors[:, first:] / xp.sqrt(values[first:]) / scale[:, None]


def _biases(predictor: Predictor) -> tuple[list[int], list[int]]:
    """Return where θ has the biases of hidden units, and those of the outputs."""
    network = predictor.predictor if isinstance(predictor, model.Frozen) else predictor
    if not isinstance(network, model.Network):
        return [], []
    last = len(network.layers)
    biases = [block for block in network.layout if block.kind == "bias"]
    hidden = [place for block in biases if block.layer < last for place in block.positions]
    output = [place for block in biases if block.layer == last for place in block.positions]
    if not isinstance(predictor, model.Frozen):
        return hidden, output
    free = {int(place): k for k, place in enumerate(predictor.free)}
    return [free[j] for j in hidden if j in free], [free[j] for j in output if j in free]


def tolerance(H: Array) -> float:
    """Return the relative size below which an eigenvalue of a scaled H counts as 0."""
    return max(DETERMINED, 4 * H.shape[0] * epsilon(H))


def eigenvalues(predictor: Predictor, apart: Redundancy, H: Array) -> Array | None:
    """Return the eigenvalues of the scaled H in order; None if it is not finite."""
    xp = namespace(H)
    if not bool(xp.all(xp.isfinite(H))):
        return None
    return xp.linalg.eigvalsh(scaled(predictor, apart, H)[0])


def determined_rank(predictor: Predictor, apart: Redundancy, information: Array) -> int:
    """Return how many directions of θ an information determines, free lengths left out."""
    if not information.shape[0]:
        return 0
    values = eigenvalues(predictor, apart, filled(predictor, apart, information))
    if values is None:
        return 0
    xp = namespace(values)
    return (
        int(xp.sum(xp.astype(values > tolerance(information) * values[-1], xp.int64))) - apart.count
    )


def _regular(predictor: Predictor, apart: Redundancy, H: Array) -> bool:
    """Return whether H is finite, and determines every direction."""
    if H.shape[0] == 0:
        return True
    values = eigenvalues(predictor, apart, H)
    return values is not None and float(values[0]) > tolerance(H) * float(values[-1])


def _negative(predictor: Predictor, apart: Redundancy, H: Array, total: Array) -> int:
    """Return the number of directions along which H is negative, as a share of the total."""
    xp = namespace(H)
    if not bool(xp.all(xp.isfinite(total))):
        return 0
    unit, scale = scaled(predictor, apart, total)
    values, vectors = xp.linalg.eigh(unit)
    size = xp.abs(values)  # without a penalty the total is H itself
    kept = size > tolerance(H) * xp.max(size)
    half = vectors[:, kept] / xp.sqrt(size[kept]) / scale[:, None]
    shares = xp.linalg.eigvalsh(half.T @ H @ half)
    return int(xp.sum(xp.astype(shares < -math.sqrt(tolerance(H)), xp.int64)))


def _shrunken(root: Array, information: Array) -> tuple[Array, float]:
    """Return what a penalty leaves of a root of H⁻¹: a root of H⁻¹ I H⁻¹, and tr(H⁻¹ I)."""
    xp = namespace(root)
    kept, vectors = xp.linalg.eigh(root.T @ information @ root)
    kept = xp.maximum(kept, xp.zeros_like(kept))
    return root @ (vectors * xp.sqrt(kept)), float(xp.sum(kept))


def _unexamined(parameters: Array) -> Determined:
    """Return that nothing is known: no information, and NaN wherever an error would be."""
    xp = namespace(parameters)
    unknown = xp.full_like(parameters, math.nan)
    return Determined(unknown[:0], unknown[:, None], math.nan, Identification.UNEXAMINED)
