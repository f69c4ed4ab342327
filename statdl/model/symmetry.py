"""The canonical form of a network: one θ for all that differ by the order and signs of units.

Renumbering the units of a layer changes nothing, and neither does turning the sign of a unit whose
activation is symmetric about a point, f(−z) = 2c − f(z): negate its incoming weights (with
normalisation, γ and β), negate its outgoing weights w, and add 2cw to the biases they meet.

The canonical form turns each such unit so that its largest incoming weight (with normalisation, γ)
is positive, and numbers the units from the largest outgoing weights (Euclidean length) to the
smallest; among equals the incoming weights decide. Rescaling, as between the two sides of a ReLU,
is not removed, and batch-normalised layers keep their order, to which running statistics are tied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.model.layer import Affine, Layer


def canonical(layers: Sequence[Layer], output: Affine, parameters: Array) -> Array:
    """Return the canonical form of θ, (P,)."""
    host = to_numpy(parameters).copy()
    followers = (*(layer.affine for layer in layers[1:]), output)
    for layer, follower in zip(layers, followers, strict=True):
        _turn_signs(layer, follower, host)
        if layer.hidden.normalisation != "batch":
            _reorder(layer, follower, host)
    return like(host, parameters)


def _outgoing(layer: Layer, follower: Affine, host: Any) -> Any:
    """Return the weights that leave the layer's units, (maps of the next layer, units)."""
    return follower.weights(host)[:, : layer.hidden.units]


def _turn_signs(layer: Layer, follower: Affine, host: Any) -> None:
    centre = layer.hidden.activation.centre
    if centre is None or (centre != 0 and not follower.intercept):
        return
    incoming = _incoming(layer, host)
    leading = host[layer.scale_slice] if layer.normalised else _largest(layer, host)
    turned = leading < 0
    incoming[turned] *= -1
    _put_incoming(layer, host, incoming)
    outgoing = _outgoing(layer, follower, host)
    if centre != 0:
        follower.table(host)[:, 0] += 2 * centre * outgoing[:, turned].sum(axis=1)
    outgoing[:, turned] *= -1


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


def _reorder(layer: Layer, follower: Affine, host: Any) -> None:
    """Number the units by their outgoing, then by their incoming weights."""
    xp = namespace(host)
    table, units = layer.affine.table(host), layer.hidden.units
    outgoing = _outgoing(layer, follower, host)
    if layer.hidden.activation.affine_maps > 1:
        _reorder_pieces(layer, host)
    # sorted first: a sum depends on its order in the last digit, and the key must not
    lengths = xp.sqrt(xp.sort(outgoing * outgoing, axis=0).sum(axis=0))
    incoming = [table.reshape(units, -1)]
    if layer.normalised:
        places = (layer.scale_slice, layer.shift_slice)
        incoming += [host[place].reshape(units, -1) for place in places]
    keys = (-xp.concat([lengths[:, None], *incoming], axis=1)).tolist()
    order = sorted(range(units), key=keys.__getitem__)
    for part in (*incoming, outgoing.T):
        part[...] = part[order]


def _reorder_pieces(layer: Layer, host: Any) -> None:
    """Sort the maps of each maxout unit, which are interchangeable too."""
    pieces = layer.hidden.activation.affine_maps
    table = layer.affine.table(host)
    for first in range(0, layer.hidden.maps, pieces):
        maps = range(first, first + pieces)
        order = sorted(maps, key=lambda row: (-table[row]).tolist())
        table[first : first + pieces] = table[order]
        if layer.normalised:
            for place in (layer.scale_slice, layer.shift_slice):
                values = host[place]
                values[first : first + pieces] = values[order]
