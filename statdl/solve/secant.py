"""What gradients on the way say of a curvature: pairs of moves and of the changes they made.

A change of gradient y over a move s satisfies y ≈ H s. The BFGS update of H_0⁻¹ by some pairs is
applied to a gradient without being formed: the two-loop recursion (Nocedal 1980; Nocedal & Wright
2006, algorithm 7.4).
"""

from __future__ import annotations

from statdl.backend.array import Array, epsilon, namespace, to_numpy
from statdl.backend.linalg import Factor
from statdl.solve.iterate import State

#: A move s, the change y of the gradient, and 1/(sᵀy).
Pair = tuple[Array, Array, float]


def remembered(pairs: tuple[Pair, ...], before: State, after: State) -> tuple[Pair, ...]:
    """Return the pairs and the newest, unless its curvature is not positive."""
    move = after.parameters - before.parameters
    change = after.gradient - before.gradient
    both = to_numpy(namespace(move).stack([move @ change, change @ change]))  # one wait for two
    product, square = both.tolist()
    if product <= epsilon(move) * square * 1e-3:
        return pairs
    return (*pairs, (move, change, 1.0 / product))


def two_loop(gradient: Array, pairs: tuple[Pair, ...], factor: Factor | None) -> Array:
    """Return H_k⁻¹ g, with H_0 from ``factor`` or from the newest pair."""
    left = gradient
    weights = []
    for move, change, inverse in reversed(pairs):
        weight = inverse * (move @ left)
        left = left - weight * change
        weights.append(weight)
    left = _initial(left, pairs, factor)
    for (move, change, inverse), weight in zip(pairs, reversed(weights), strict=True):
        left = left + (weight - inverse * (change @ left)) * move
    return left


def _initial(vector: Array, pairs: tuple[Pair, ...], factor: Factor | None) -> Array:
    if factor is not None:
        return factor.solve(vector)
    if pairs:
        move, change, _ = pairs[-1]
        return vector * ((move @ change) / (change @ change))
    xp = namespace(vector)
    return vector / xp.maximum(xp.max(xp.abs(vector)), xp.ones_like(vector[0]) * 1e-300)
