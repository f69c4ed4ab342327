"""The canonical form of a network: one θ for all that differ by the order and signs of units.

Renumbering the units of a layer changes nothing, and neither does turning the sign of a unit whose
activation is symmetric about a point, f(−z) = 2c − f(z): negate its incoming weights (with
normalisation, γ and β), negate its outgoing weights w, and add 2cw to the biases they meet. Weights
g v/‖v‖ are those of any other length of v, and of −v and −g.

The canonical form turns each such unit so that its largest incoming weight (with normalisation, γ)
is positive, and numbers the units from the largest outgoing weights (Euclidean length) to the
smallest; among equals the incoming weights decide. Before all that, directions v get length 1 and
scales g ≥ 0. Rescaling, as between the two sides of a ReLU, is not removed, and batch-normalised
layers keep their order, to which running statistics are tied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.model.layer import Affine, Layer


class Follower(NamedTuple):
    """The layer that a layer's units lead to, and the scales of its directions."""

    affine: Affine
    scale: Any = None  # (maps,)

    def table(self, host: Any, layer: Layer) -> Any:
        """Return what leaves the layer's units in θ, (maps, units), a view."""
        return self.affine.weights(host)[:, : layer.hidden.units]

    def weights(self, host: Any, layer: Layer) -> Any:
        """Return the weights that leave the layer's units, (maps, units)."""
        table = self.table(host, layer)
        return table if self.scale is None else table * self.scale[:, None]


def canonical(layers: Sequence[Layer], output: Affine, parameters: Array) -> Array:
    """Return the canonical form of θ, (P,)."""
    host = to_numpy(parameters).copy()
    for layer in layers:
        if layer.directed:
            _to_length_one(layer, host)
    scales = (host[layer.scale_slice] if layer.directed else None for layer in layers[1:])
    followers = (
        *(Follower(layer.affine, scale) for layer, scale in zip(layers[1:], scales, strict=True)),
        Follower(output, None),
    )
    for layer, follower in zip(layers, followers, strict=True):
        _turn_signs(layer, follower, host)
        if layer.hidden.normalisation != "batch":
            _reorder(layer, follower, host)
    return like(host, parameters)


def _to_length_one(layer: Layer, host: Any) -> None:
    """Give directions length 1, and scales that are not negative."""
    xp = namespace(host)
    directions = layer.affine.weights(host)
    directions[host[layer.scale_slice] < 0] *= -1
    host[layer.scale_slice] = xp.abs(host[layer.scale_slice])
    length = _lengths(directions.T)
    near = 64 * xp.finfo(host.dtype).eps  # another division would only change the last digit
    directions /= xp.where((xp.abs(length - 1) <= near) | (length == 0), 1.0, length)[:, None]


def _lengths(columns: Any) -> Any:
    """Return the lengths of columns, sorted: a sum's last digit depends on its order."""
    xp = namespace(columns)
    return xp.sqrt(xp.sort(columns * columns, axis=0).sum(axis=0))


def _turn_signs(layer: Layer, follower: Follower, host: Any) -> None:
    centre = layer.hidden.activation.centre
    if centre is None or (centre != 0 and not follower.affine.intercept):
        return
    incoming = _incoming(layer, host)
    leading = host[layer.scale_slice] if layer.normalised else _largest(layer, host)
    turned = leading < 0
    incoming[turned] *= -1
    _put_incoming(layer, host, incoming)
    if centre != 0:
        leaving = follower.weights(host, layer)[:, turned]
        follower.affine.table(host)[:, 0] += 2 * centre * leaving.sum(axis=1)
    follower.table(host, layer)[:, turned] *= -1


def _largest(layer: Layer, host: Any) -> Any:
    """Return each unit's incoming weight of largest size, or its bias where all are 0."""
    table = layer.affine.table(host)
    weights = layer.affine.weights(host)
    xp = namespace(host)
    if weights.shape[1]:
        place = xp.abs(weights).argmax(axis=1)
        leading = weights[xp.arange(len(weights)), place]
    else:
        leading = xp.zeros_like(table[:, 0])
    return xp.where(leading == 0, table[:, 0], leading)


def _incoming(layer: Layer, host: Any) -> Any:
    """Return what a turn of sign negates: [b | W], or (γ, β)."""
    if not layer.normalised:
        return layer.affine.table(host).copy()
    xp = namespace(host)
    return xp.stack([host[layer.scale_slice], host[layer.shift_slice]], axis=1)


def _put_incoming(layer: Layer, host: Any, incoming: Any) -> None:
    if not layer.normalised:
        layer.affine.table(host)[...] = incoming
        return
    host[layer.scale_slice], host[layer.shift_slice] = incoming[:, 0], incoming[:, 1]


def _reorder(layer: Layer, follower: Follower, host: Any) -> None:
    """Number the units by their outgoing, then by their incoming weights."""
    xp = namespace(host)
    table, units = layer.affine.table(host), layer.hidden.units
    outgoing = follower.weights(host, layer)
    if layer.hidden.activation.affine_maps > 1:
        _reorder_pieces(layer, host)
    lengths = _lengths(outgoing)
    incoming = [table.reshape(units, -1)]
    incoming += [host[place].reshape(units, -1) for place in _behind(layer)]
    keys = (-xp.concat([lengths[:, None], *incoming], axis=1)).tolist()
    order = sorted(range(units), key=keys.__getitem__)
    for part in (*incoming, follower.table(host, layer).T):
        part[...] = part[order]


def _behind(layer: Layer) -> tuple[slice, ...]:
    """Return where θ holds what each map has beside its row of the table."""
    return (layer.scale_slice, layer.shift_slice)[: 2 * layer.normalised + layer.directed]


def _reorder_pieces(layer: Layer, host: Any) -> None:
    """Sort the maps of each maxout unit, which are interchangeable too."""
    pieces = layer.hidden.activation.affine_maps
    table = layer.affine.table(host)
    for first in range(0, layer.hidden.maps, pieces):
        maps = range(first, first + pieces)
        order = sorted(maps, key=lambda row: (-table[row]).tolist())
        table[first : first + pieces] = table[order]
        for place in _behind(layer):
            values = host[place]
            values[first : first + pieces] = values[order]
