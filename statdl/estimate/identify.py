"""What the data determine of a network's weights.

The eigenvalues of the information tell, each parameter scaled to a unit diagonal, so that units of
measurement do not decide. One thing the diagonal itself must tell: a unit that decay has switched
off, its outgoing weights 0, leaves nothing but rounding on the diagonal of its bias, and scaling
that to 1 would make something of it. Biases have no units of measurement, so a hidden bias is
compared with the output's.

Where the information, with the penalty, is singular, the covariance lives on the directions that
are determined, which is what predictions and effects need.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from statdl.backend.array import Array, namespace
from statdl.backend.linalg import factorise, shrunken_root
from statdl.estimate.record import Identification
from statdl.model.frozen import Frozen
from statdl.model.network import Network
from statdl.model.objective import Objective
from statdl.model.predictor import Predictor

#: Smallest eigenvalue of the scaled information, relative to the largest, of a direction the data
#: determine; and smallest diagonal of a hidden bias, relative to the output's.
DETERMINED = 1e-10
#: Above this many free weights the information, with its square of entries, is not worked out.
EXAMINED_WEIGHTS = 5000


@dataclass(frozen=True)
class Determined:
    """What the data determine: the information, a covariance root, the verdict."""

    information: Array
    root: Array
    effective: float
    identification: Identification


def determine(objective: Objective, parameters: Array, *, expected: bool = False) -> Determined:
    """Return the information at θ̂, exact or expected, and what follows from it."""
    if objective.size > EXAMINED_WEIGHTS:
        return _unexamined(parameters)
    predictor = objective.predictor
    bare = replace(objective, penalised=None)
    information = bare.curvature(parameters, expected=expected)
    alone = _smallest(predictor, information) > DETERMINED
    if alone and objective.penalised is None:
        factor = factorise(information)
        verdict = Identification.IDENTIFIED
        return Determined(information, factor.inverse_root(), float(objective.size), verdict)
    total = information
    if objective.penalised is not None:
        total = objective.curvature(parameters, expected=expected)
    if _smallest(predictor, total) > DETERMINED:
        root, effective = shrunken_root(factorise(total), information)
        verdict = Identification.IDENTIFIED if alone else Identification.THROUGH_PENALTY
        return Determined(information, root, effective, verdict)
    root = determined_root(predictor, total)
    effective = float(root.shape[1])
    if objective.penalised is not None:
        root, effective = _shrunken(root, information)
    return Determined(information, root, effective, Identification.SINGULAR)


def scaled(predictor: Predictor, H: Array) -> tuple[Array, Array]:
    """Return H with a unit diagonal, and the square roots of the diagonal it had."""
    xp = namespace(H)
    diagonal = xp.abs(xp.linalg.diagonal(H))
    scale = xp.sqrt(xp.where(diagonal > 0, diagonal, xp.ones_like(diagonal)))
    hidden, output = _biases(predictor)
    if hidden and output:
        least = math.sqrt(DETERMINED) * max(float(scale[place]) for place in output)
        for place in hidden:
            scale[place] = max(float(scale[place]), least)
    return H / scale[:, None] / scale[None, :], scale


def determined_root(predictor: Predictor, H: Array) -> Array:
    """Return B with B Bᵀ the pseudo-inverse of H over the directions that are determined."""
    xp = namespace(H)
    if not bool(xp.all(xp.isfinite(H))):
        return xp.full_like(H, math.nan)
    unit, scale = scaled(predictor, H)
    values, vectors = xp.linalg.eigh(unit)
    kept = int(xp.sum(xp.astype(values > DETERMINED * values[-1], xp.int64)))
    first = H.shape[0] - kept
    return vectors[:, first:] / xp.sqrt(values[first:]) / scale[:, None]


def _biases(predictor: Predictor) -> tuple[list[int], list[int]]:
    """Return where θ has the biases of hidden units, and those of the outputs."""
    network = predictor.predictor if isinstance(predictor, Frozen) else predictor
    if not isinstance(network, Network):
        return [], []
    last = len(network.layers)
    biases = [block for block in network.layout if block.kind == "bias"]
    hidden = [place for block in biases if block.layer < last for place in block.positions]
    output = [place for block in biases if block.layer == last for place in block.positions]
    if not isinstance(predictor, Frozen):
        return hidden, output
    free = {int(place): k for k, place in enumerate(predictor.free)}
    return [free[j] for j in hidden if j in free], [free[j] for j in output if j in free]


def _smallest(predictor: Predictor, H: Array) -> float:
    """Return the smallest eigenvalue of the scaled H relative to the largest; −∞ if not finite."""
    xp = namespace(H)
    if H.shape[0] == 0:
        return 1.0
    if not bool(xp.all(xp.isfinite(H))):
        return -math.inf
    values = xp.linalg.eigvalsh(scaled(predictor, H)[0])
    return float(values[0]) / float(values[-1])


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
