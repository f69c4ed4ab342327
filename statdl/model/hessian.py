"""The Hessian of a loss in a network's parameters, by the structure of its layers.

Parameters of layer l act on what follows only through its pre-activations z_l = W_l x_l, so that
one tangent for each unit v of each layer, z_l → z_l + e_v, tells everything. With δ_m the gradient
of the loss in z_m, x_m the inputs of layer m ≥ l, and a dot for the change along e_v,

    ∂²loss/∂W_m[u, j] ∂W_l[v, k] = Σ_i x_l[k] (δ̇_m[v, u] x_m[j] + δ_m[u] ẋ_m[v, j]).

At the output δ = ∂loss/∂η and δ̇ = H η̇, so that the Gauss-Newton part Jᵀ H J needs no Jacobian of
its own. Both sums are single matrix products of (n, u v) and (n, j k) arrays. The number of
tangents is that of the units and not of the parameters, which makes this some tens of times faster
than a Hessian-vector product for each parameter; tests hold it to that. It is for layers without
normalisation.

θ is (P,), or (k, P) for k networks at once: what is (n, …) below then has k in front, and what is
(v, n, …) has v before k.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from statdl.backend.array import Array, is_numpy, namespace
from statdl.model.curvature import RowCurvature
from statdl.model.layer import Affine, Layer, LayerPass


class Node(NamedTuple):
    """A layer's table: its inputs with a 1 in front, and the gradient in its values."""

    affine: Affine
    features: Array  # (n, columns)
    delta: Array  # (n, maps)


class Turn(NamedTuple):
    """What changes at a layer along each unit tangent of an earlier one."""

    delta: Array | None  # (v, n, maps) δ̇
    inputs: Array | None  # (v, n, inputs) ẋ


def structured_hessian(
    layers: Sequence[Layer],
    output: Affine,
    skipped: int,
    parameters: Array,
    passed: Sequence[LayerPass],
    last: Array,
    G: Array,
    H: RowCurvature | None,
) -> Array:
    """Return Σ_i J_iᵀ H_i J_i + Σ_i Σ_k G_ik ∂²η_ik/∂θ∂θᵀ, (P, P), or (k, P, P) of k networks.

    ``last`` are the output layer's inputs, the final ``skipped`` of which are those of the network.
    """
    xp = namespace(last)
    kind = xp.result_type(parameters, G)
    shape = (*parameters.shape[:-1], output.stop, output.stop)
    hessian = xp.zeros(shape, dtype=kind, device=last.device)
    gradients, nodes = _nodes(layers, output, skipped, parameters, passed, last, G)
    for k in range(len(nodes)):
        turns = _turns(k, layers, output, skipped, parameters, passed, gradients, G, H)
        earlier = slice(nodes[k].affine.start, nodes[k].affine.stop)
        if turns[0].delta is not None:
            hessian[..., earlier, earlier] = _own_block(nodes[k], turns[0].delta)
        for node, turn in zip(nodes[k + 1 :], turns[1:], strict=True):
            later = slice(node.affine.start, node.affine.stop)
            block = _block(node, nodes[k], turn)
            hessian[..., later, earlier] = block
            hessian[..., earlier, later] = xp.matrix_transpose(block)
    return hessian


def _nodes(
    layers: Sequence[Layer],
    output: Affine,
    skipped: int,
    parameters: Array,
    passed: Sequence[LayerPass],
    last: Array,
    G: Array,
) -> tuple[list[Array], list[Node]]:
    """Return the gradient in each layer's values, and the tables."""
    nodes = [Node(output, features(output, last), G)]
    units = output.inputs - skipped
    g = output.pull(parameters, G)[..., :units]
    gradients = []
    for layer, one in zip(reversed(layers), reversed(passed), strict=True):
        gradients.append(g)
        delta = layer.delta(parameters, one, g).raw
        nodes.append(Node(layer.affine, features(layer.affine, one.inputs), delta))
        g = layer.affine.pull(parameters, delta)
    return gradients[::-1], nodes[::-1]


def features(affine: Affine, x: Array) -> Array:
    """Return the inputs of a table with a 1 in front, where it has biases."""
    if not affine.intercept:
        return x
    xp = namespace(x)
    ones = xp.ones((*x.shape[:-1], 1), dtype=x.dtype, device=x.device)
    return xp.concat([ones, x], axis=-1)


def _turns(
    k: int,
    layers: Sequence[Layer],
    output: Affine,
    skipped: int,
    parameters: Array,
    passed: Sequence[LayerPass],
    gradients: Sequence[Array],
    G: Array,
    H: RowCurvature | None,
) -> list[Turn]:
    """Return what changes at the layers m ≥ k, the output's last, along each e_v in z_k."""
    z_changes, x_changes = _forwards(k, layers, output, skipped, parameters, passed, G)
    turn = None if H is None else H.times(z_changes[-1])
    turns = [Turn(turn, x_changes[-1])]
    g_change = None
    if turn is not None:
        g_change = output.pull(parameters, turn)[..., : output.inputs - skipped]
    for m in reversed(range(k, len(layers))):
        one, f = passed[m], layers[m].hidden.activation
        turn = f.bend(one.scores, one.values, gradients[m], z_changes[m - k])
        if g_change is not None:
            turn = turn + f.pull(one.scores, one.values, g_change)
        turns.append(Turn(turn, x_changes[m - k]))
        g_change = layers[m].affine.pull(parameters, turn) if m > k else None
    return turns[::-1]


def _forwards(
    k: int,
    layers: Sequence[Layer],
    output: Affine,
    skipped: int,
    parameters: Array,
    passed: Sequence[LayerPass],
    G: Array,
) -> tuple[list[Array], list[Array | None]]:
    """Return the changes of the values z_m and of the inputs x_m, m ≥ k, along each e_v in z_k."""
    z_changes = [_units(passed[k].scores if k < len(layers) else G)]
    x_changes: list[Array | None] = [None]
    for m in range(k, len(layers)):
        one = passed[m]
        x_change = layers[m].hidden.activation.push(one.scores, one.values, z_changes[-1])
        following = layers[m + 1].affine if m + 1 < len(layers) else output
        if following is output:
            x_change = _padded(x_change, skipped)
        x_changes.append(x_change)
        z_changes.append(following.push(parameters, one.values, x_change, None))
    return z_changes, x_changes


def _units(scores: Array) -> Array:
    """Return the unit tangents e_v of every row, (v, n, v)."""
    xp = namespace(scores)
    maps = scores.shape[-1]
    unit = xp.eye(maps, dtype=scores.dtype, device=scores.device)
    unit = xp.reshape(unit, (maps, *(1,) * (scores.ndim - 1), maps))
    return xp.broadcast_to(unit, (maps, *scores.shape))


def _padded(change: Array, skipped: int) -> Array:
    """Return the change of the output layer's inputs: the network's own do not change."""
    if not skipped:
        return change
    xp = namespace(change)
    still = xp.zeros((*change.shape[:-1], skipped), dtype=change.dtype, device=change.device)
    return xp.concat([change, still], axis=-1)


class Table(NamedTuple):
    """A layer's table: its inputs with a 1 in front, and a gradient in its values a seed."""

    affine: Affine
    features: Array  # (…, n, columns)
    deltas: Array  # (s, …, n, maps)


class Bends(NamedTuple):
    """What one hidden layer adds to a Gauss-Newton matrix."""

    units: Array  # (…, n, h) f″ g
    ways: Array  # (…, n, q h) G f′, of each output and unit


def gauss_newton(tables: Sequence[Table], bends: Bends | None = None) -> Array:
    """Return Σ_i Σ_s (∂sᵢ/∂θ)ᵀ (∂sᵢ/∂θ), (…, P, P), of tables in the order of θ.

    With ``bends`` there are two tables, and it is the Hessian.
    """
    deltas = tables[-1].deltas
    xp, size = namespace(deltas), tables[-1].affine.stop
    shape = (*deltas.shape[1:-2], size, size)
    total = xp.empty(shape, dtype=deltas.dtype, device=deltas.device)
    for k, later in enumerate(tables):
        own = slice(later.affine.start, later.affine.stop)
        total[..., own, own] = _own_squares(later, bends if later is tables[0] else None)
        for earlier in tables[:k]:
            before = slice(earlier.affine.start, earlier.affine.stop)
            block = _cross_squares(later, earlier)
            if bends is not None:
                _add_ways(block, later, earlier, bends.ways)
            total[..., own, before] = block
            total[..., before, own] = xp.matrix_transpose(block)
    return total


def in_pairs(affine: Affine) -> bool:
    """Tell whether pairs of units and pairs of columns are not many beside the parameters."""
    u, c = _sides(affine)
    return u * (u + 1) + c * (c + 1) <= 4 * u * c


def _own_squares(table: Table, bends: Bends | None = None) -> Array:
    """Return the block of a table with itself, by pairs where they are not many."""
    if bends is None and not in_pairs(table.affine):
        return _squares(table)
    xp, maps = namespace(table.deltas), table.affine.outputs
    units = _triangle(maps, xp, table.deltas.device)
    left = _turned(table.deltas)
    left = xp.take(left, units.first, axis=-2) * xp.take(left, units.second, axis=-2)
    left = _over_seeds(left)
    if bends is not None:
        same = xp.reshape(units.number, (maps, maps))
        for u in range(maps):
            place = int(same[u, u])
            left[..., place, :] += bends.units[..., u]
    return _spread(left, table)


def _add_ways(block: Array, later: Table, earlier: Table, ways: Array) -> None:
    """Add to a block what goes through the units of the earlier table, in place."""
    xp = namespace(block)
    q, (v, k) = later.affine.outputs, _sides(earlier.affine)
    added = _together(_turned(ways), earlier.features)  # (…, q v, k)
    added = xp.reshape(added, (*added.shape[:-2], q, v, k))
    shape = (*block.shape[:-2], q, later.affine.columns * v, k)
    flat = xp.reshape(block, shape, copy=False)
    first = int(later.affine.intercept) * v
    flat[..., first : first + (v - 1) * (v + 1) + 1 : v + 1, :] += added


def _squares(table: Table) -> Array:
    """Return the block from the rows δ_i ⊗ x_i."""
    xp = namespace(table.deltas)
    rows = (
        xp.matrix_transpose(table.deltas)[..., :, None, :]
        * _turned(table.features)[..., None, :, :]
    )
    rows = xp.reshape(rows, (*rows.shape[:-3], -1, rows.shape[-1]))
    if is_numpy(rows) and rows.ndim > 2:  # BLAS sees the symmetry of one product only
        flat = xp.reshape(rows, (-1, *rows.shape[-2:]))
        products = xp.stack([one @ one.T for one in flat])
        return xp.sum(xp.reshape(products, (*rows.shape[:-1], rows.shape[-2])), axis=0)
    return xp.sum(rows @ xp.matrix_transpose(rows), axis=0)


def _cross_squares(later: Table, earlier: Table) -> Array:
    """Return the block of two tables, (maps columns of the later, those of the earlier)."""
    xp = namespace(later.deltas)
    u, j, v, k = (*_sides(later.affine), *_sides(earlier.affine))
    left = _over_seeds(
        _turned(later.deltas)[..., :, None, :] * _turned(earlier.deltas)[..., None, :, :]
    )  # (…, u, v, n)
    if u * j * v <= u * v + j * k:
        wide = left[..., :, None, :, :] * _turned(later.features)[..., None, :, None, :]
        product = _together(xp.reshape(wide, (*left.shape[:-3], u * j * v, -1)), earlier.features)
        return xp.reshape(product, (*product.shape[:-2], u * j, v * k))
    flat = xp.reshape(left, (*left.shape[:-3], u * v, -1))
    product = flat @ _products(later.features, earlier.features)
    swapped = _swapped(xp.reshape(product, (*product.shape[:-2], u, v, j, k)), (0, 2, 1, 3))
    return xp.reshape(swapped, (*product.shape[:-2], u * j, v * k))


def _over_seeds(values: Array) -> Array:
    """Return the sum over the first axis, which is mostly one long."""
    return values[0, ...] if values.shape[0] == 1 else namespace(values).sum(values, axis=0)


def _sides(affine: Affine) -> tuple[int, int]:
    return affine.outputs, affine.columns


def _turned(features: Array) -> Array:
    return namespace(features).matrix_transpose(features)


def _together(left: Array, right: Array) -> Array:
    """Return left @ right, in one product where k networks share what is on the right."""
    if left.ndim == 2 or right.ndim > 2:
        return left @ right
    xp = namespace(left)
    flat = xp.reshape(left, (-1, left.shape[-1])) @ right
    return xp.reshape(flat, (*left.shape[:-1], right.shape[-1]))


def _own_block(node: Node, delta: Array) -> Array:
    """Return the block of a table with itself: pairs of units and pairs of columns, each once."""
    xp = namespace(delta)
    maps = node.affine.outputs
    units = _triangle(maps, xp, delta.device)
    left = xp.take(_by_row(delta), units.first * maps + units.second, axis=-2)
    return _spread(left, node)


def _spread(left: Array, node: Node | Table) -> Array:
    """Return the block of products (…, pairs of units, n) with all pairs of columns."""
    xp, columns = namespace(left), node.affine.columns
    pairs = _triangle(columns, xp, left.device)
    x = _turned(node.features)
    right = xp.take(x, pairs.first, axis=-2) * xp.take(x, pairs.second, axis=-2)
    product = _together(left, xp.matrix_transpose(right))
    front, size = product.shape[:-2], node.affine.outputs * columns
    places = _places(node.affine.outputs, columns, xp, left.device)
    return xp.reshape(
        xp.take(xp.reshape(product, (*front, -1)), places, axis=-1), (*front, size, size)
    )


@lru_cache(maxsize=32)
def _places(maps: int, columns: int, xp: Any, device: Any) -> Array:
    """Return where the entries of a table's block are among pairs of units times of columns."""
    units, pairs = (_triangle(size, xp, device) for size in (maps, columns))
    first = xp.reshape(units.number, (maps, 1, maps, 1))
    second = xp.reshape(pairs.number, (1, columns, 1, columns))
    return xp.reshape(first * (columns * (columns + 1) // 2) + second, (-1,))


def _by_row(change: Array) -> Array:
    """Return changes (v, …, n, u) as (…, v u, n)."""
    xp, front = namespace(change), change.ndim - 3
    axes = (*range(1, front + 1), 0, front + 2, front + 1)
    turned = xp.permute_dims(change, axes)
    shape = (*turned.shape[:-3], turned.shape[-3] * turned.shape[-2], turned.shape[-1])
    return xp.reshape(turned, shape)


def _swapped(block: Array, order: tuple[int, ...]) -> Array:
    """Return an array with its last axes in another order."""
    front = block.ndim - len(order)
    axes = (*range(front), *(front + axis for axis in order))
    return namespace(block).permute_dims(block, axes)


class Triangle(NamedTuple):
    """The pairs a ≤ b below a size, and which of them each entry of a symmetric matrix is."""

    first: Array
    second: Array
    number: Array


@lru_cache(maxsize=32)
def _triangle(size: int, xp: Any, device: Any) -> Triangle:
    each = xp.arange(size, device=device)
    row = xp.broadcast_to(each[:, None], (size, size))
    column = xp.broadcast_to(each[None, :], (size, size))
    low, high = xp.minimum(row, column), xp.maximum(row, column)
    number = low * size - low * (low - 1) // 2 + high - low
    first, second = xp.nonzero(row <= column)
    return Triangle(first, second, xp.reshape(number, (-1,)))


def _block(later: Node, earlier: Node, turn: Turn) -> Array:
    """Return the block of two tables, (maps columns of the later, those of the earlier)."""
    xp = namespace(later.features)
    u, j = later.affine.outputs, later.affine.columns
    v, k = earlier.affine.outputs, earlier.affine.columns
    dtype = xp.result_type(later.delta, later.features)
    front = later.delta.shape[:-2]
    block = xp.zeros((*front, u, j, v, k), dtype=dtype, device=later.features.device)
    if turn.delta is not None:
        product = _by_row(turn.delta) @ _products(later.features, earlier.features)
        block += _swapped(xp.reshape(product, (*front, v, u, j, k)), (1, 2, 0, 3))
    if turn.inputs is not None:
        inputs = turn.inputs.shape[-1]
        product = _by_row(turn.inputs) @ _products(later.delta, earlier.features)
        added = _swapped(xp.reshape(product, (*front, v, inputs, u, k)), (2, 1, 0, 3))
        block[..., :, int(later.affine.intercept) :, :, :] += added
    return xp.reshape(block, (*front, u * j, v * k))


def _products(left: Array, right: Array) -> Array:
    """Return the products of each row's entries, (n, a) and (n, b) → (n, a b)."""
    xp = namespace(left)
    products = left[..., :, None] * right[..., None, :]
    return xp.reshape(products, (*products.shape[:-2], -1))
