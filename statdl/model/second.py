"""Second derivatives of a network in its parameters, by the structure of its layers.

Parameters of layer l act on what follows only through its pre-activations z_l = W_l x_l, so that
one tangent for each unit v of each layer, z_l → z_l + e_v, tells everything. With δ_m the gradient
of Σ_k S_k η_k in z_m, x_m the inputs of layer m ≥ l, and a dot for the change along e_v,

    ∂²/∂W_m[u, j] ∂W_l[v, k] = Σ_i x_l[k] (δ̇_m[v, u] x_m[j] + δ_m[u] ẋ_m[v, j]).

Both sums are single matrix products of (n, u v) and (n, j k) arrays. The number of tangents is that
of the units and not of the parameters, which makes this some tens of times faster than a
Hessian-vector product for each parameter; tests hold it to that. It is for layers without
normalisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from statdl.backend.array import Array, namespace
from statdl.model.layer import Affine, Layer, LayerPass


class Node(NamedTuple):
    """A layer's table: its inputs with a 1 in front, and its gradient."""

    affine: Affine
    features: Array  # (n, columns)
    delta: Array  # (n, maps)


def structured_second(
    layers: Sequence[Layer],
    output: Affine,
    skipped: int,
    parameters: Array,
    passed: Sequence[LayerPass],
    last: Array,
    S: Array,
) -> Array:
    """Return Σ_i Σ_k S_ik ∂²η_ik/∂θ∂θᵀ, (P, P), for θ of shape (P,).

    ``last`` are the output layer's inputs, the final ``skipped`` of which are those of the network.
    """
    xp = namespace(last)
    P = output.stop
    hessian = xp.zeros((P, P), dtype=xp.result_type(parameters, S), device=last.device)
    gradients, nodes = _nodes(layers, output, skipped, parameters, passed, last, S)
    for k in range(len(layers)):
        turns = _turns(k, layers, output, skipped, parameters, passed, gradients)
        for m, (turn, x_change) in turns.items():
            block = _block(nodes[m], nodes[k], turn, x_change)
            later = slice(nodes[m].affine.start, nodes[m].affine.stop)
            earlier = slice(nodes[k].affine.start, nodes[k].affine.stop)
            hessian[later, earlier] = block
            if m != k:
                hessian[earlier, later] = block.T
    return hessian


def _nodes(
    layers: Sequence[Layer],
    output: Affine,
    skipped: int,
    parameters: Array,
    passed: Sequence[LayerPass],
    last: Array,
    S: Array,
) -> tuple[list[Array], list[Node]]:
    """Return the gradient in each layer's values, and the tables."""
    nodes = [Node(output, _features(output, last), S)]
    units = output.inputs - skipped
    g = output.pull(parameters, S)[..., :units]
    gradients = []
    for layer, one in zip(reversed(layers), reversed(passed), strict=True):
        gradients.append(g)
        delta = layer.delta(parameters, one, g).raw
        nodes.append(Node(layer.affine, _features(layer.affine, one.inputs), delta))
        g = layer.affine.pull(parameters, delta)
    return gradients[::-1], nodes[::-1]


def _features(affine: Affine, x: Array) -> Array:
    if not affine.intercept:
        return x
    xp = namespace(x)
    return xp.concat([xp.ones((x.shape[0], 1), dtype=x.dtype, device=x.device), x], axis=1)


def _turns(
    k: int,
    layers: Sequence[Layer],
    output: Affine,
    skipped: int,
    parameters: Array,
    passed: Sequence[LayerPass],
    gradients: Sequence[Array],
) -> dict[int, tuple[Array | None, Array | None]]:
    """Return δ̇_m (v, n, maps) and ẋ_m (v, n, inputs) of layers m ≥ k along each e_v in z_k."""
    xp = namespace(passed[k].scores)
    scores = passed[k].scores
    unit = xp.eye(scores.shape[1], dtype=scores.dtype, device=scores.device)
    z_change = xp.broadcast_to(unit[:, None, :], (scores.shape[1], *scores.shape))
    z_changes, x_changes = {}, {}
    for m in range(k, len(layers)):
        one, f = passed[m], layers[m].hidden.activation
        z_changes[m] = z_change
        x_changes[m + 1] = f.push(one.scores, one.values, z_change)
        if m + 1 < len(layers):
            following = layers[m + 1].affine
            z_change = following.push(parameters, one.values, x_changes[m + 1], None)
    found: dict[int, tuple[Array | None, Array | None]] = {}
    found[len(layers)] = (None, _padded(x_changes[len(layers)], skipped))
    g_change = None
    for m in reversed(range(k, len(layers))):
        one, f = passed[m], layers[m].hidden.activation
        turn = f.bend(one.scores, one.values, gradients[m], z_changes[m])
        if g_change is not None:
            turn = turn + f.pull(one.scores, one.values, g_change)
        found[m] = (turn, x_changes.get(m))
        g_change = layers[m].affine.pull(parameters, turn)
    return found


def _padded(change: Array, skipped: int) -> Array:
    """Return the change of the output layer's inputs: the network's own do not change."""
    if not skipped:
        return change
    xp = namespace(change)
    still = xp.zeros((*change.shape[:-1], skipped), dtype=change.dtype, device=change.device)
    return xp.concat([change, still], axis=-1)


def _block(later: Node, earlier: Node, turn: Array | None, x_change: Array | None) -> Array:
    """Return the block of two tables, (maps columns of the later, those of the earlier)."""
    xp = namespace(later.features)
    u, j = later.affine.outputs, later.affine.columns
    v, k = earlier.affine.outputs, earlier.affine.columns
    shape = (u, j, v, k)
    dtype = xp.result_type(later.delta, later.features)
    block = xp.zeros(shape, dtype=dtype, device=later.features.device)
    if turn is not None:
        left = xp.reshape(xp.permute_dims(turn, (0, 2, 1)), (v * u, -1))
        right = _products(later.features, earlier.features)
        block += xp.permute_dims(xp.reshape(left @ right, (v, u, j, k)), (1, 2, 0, 3))
    if x_change is not None:
        left = xp.reshape(
            xp.permute_dims(x_change, (0, 2, 1)), (x_change.shape[0] * x_change.shape[2], -1)
        )
        right = _products(later.delta, earlier.features)
        product = xp.reshape(left @ right, (v, -1, u, k))
        block[:, int(later.affine.intercept) :, :, :] += xp.permute_dims(product, (2, 1, 0, 3))
    return xp.reshape(block, (u * j, v * k))


def _products(left: Array, right: Array) -> Array:
    """Return the products of each row's entries, (n, a) and (n, b) → (n, a b)."""
    xp = namespace(left)
    return xp.reshape(left[:, :, None] * right[:, None, :], (left.shape[0], -1))
