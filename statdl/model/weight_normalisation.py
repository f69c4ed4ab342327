"""Weight normalisation: the length of a unit's weights apart from their direction.

    w = g v/‖v‖

A layer then keeps, for every map, v in place of w, and its scale g behind its table. Of the weights
w the likelihood is the one it was, so the network runs as a plain one on w, and this module carries
parameters and derivatives across. With u = v/‖v‖, n = ‖v‖ and P = I − u uᵀ,

    push    ẇ = ġ u + (g/n) P v̇
    pull    ḡ = uᵀ w̄,   v̄ = (g/n) P w̄
    turn    the change of ``pull`` along (v̇, ġ), with w̄ held

The length n of a direction is no parameter: no likelihood knows it.

Reference: Salimans & Kingma (2016), Weight normalization, NIPS 29.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from statdl.backend.array import Array, namespace
from statdl.model.layer import Layer


class Polar(NamedTuple):
    """The weights of a layer's maps, row by row: directions, lengths of v, scales."""

    unit: Array  # (…, maps, inputs) u
    length: Array  # (…, maps, 1) n
    scale: Array  # (…, maps, 1) g


class Direction(NamedTuple):
    """A map's direction: where θ has v, u there, where θ has g, and g/n."""

    places: list[int]
    unit: Array
    scale: int
    rate: float


def polar(layer: Layer, parameters: Array) -> Polar:
    """Return u, n and g of a layer."""
    xp = namespace(parameters)
    v = layer.affine.weights(parameters)
    length = xp.sum(v * v, axis=-1, keepdims=True) ** 0.5
    length = xp.where(length == 0, xp.ones_like(length), length)
    return Polar(v / length, length, parameters[..., layer.scale_slice, None])


def effective(layers: Sequence[Layer], parameters: Array) -> Array:
    """Return θ with w in the place of v: that of the plain network, which has no use for g."""
    plain = parameters + 0.0
    for layer in layers:
        at = polar(layer, parameters)
        layer.affine.weights(plain)[...] = at.scale * at.unit
    return plain


def push(layers: Sequence[Layer], parameters: Array, direction: Array) -> Array:
    """Return the change of ``effective`` along changes of θ."""
    change = direction + 0.0
    for layer in layers:
        at, moved = polar(layer, parameters), layer.affine.weights(direction)
        across = moved - at.unit * _along(at.unit, moved)
        scale = direction[..., layer.scale_slice, None]
        layer.affine.weights(change)[...] = scale * at.unit + at.scale / at.length * across
    return change


def pull(layers: Sequence[Layer], parameters: Array, gradient: Array) -> Array:
    """Return the gradient in θ from that in ``effective``, which is overwritten."""
    for layer in layers:
        at, w = polar(layer, parameters), layer.affine.weights(gradient)
        along = _along(at.unit, w)
        gradient[..., layer.scale_slice] = along[..., 0]
        w[...] = at.scale / at.length * (w - at.unit * along)
    return gradient


def turn(layers: Sequence[Layer], parameters: Array, direction: Array, gradient: Array) -> Array:
    """Return the change of ``pull(gradient)`` along changes of θ."""
    xp = namespace(parameters)
    change = xp.zeros_like(direction + gradient)
    for layer in layers:
        at, w = polar(layer, parameters), layer.affine.weights(gradient)
        moved, along = layer.affine.weights(direction), _along(at.unit, w)
        stretch = _along(at.unit, moved)
        bent = (moved - at.unit * stretch) / at.length  # u̇
        turned = _along(bent, w)
        rate = direction[..., layer.scale_slice, None] - at.scale * stretch / at.length
        change[..., layer.scale_slice] = turned[..., 0]
        layer.affine.weights(change)[...] = (
            rate * (w - at.unit * along) - at.scale * (bent * along + at.unit * turned)
        ) / at.length
    return change


def directions(layers: Sequence[Layer], parameters: Array) -> list[Direction]:
    """Return the direction of every map of some layers, for θ of shape (P,)."""
    found: list[Direction] = []
    for layer in layers:
        at = polar(layer, parameters)
        rows = layer.affine.rows() if layer.affine.inputs else []
        rates = at.scale / at.length
        found += [
            Direction(places, at.unit[row, :], layer.scale_places[row], float(rates[row, 0]))
            for row, places in enumerate(rows)
        ]
    return found


def _along(unit: Array, vectors: Array) -> Array:
    """Return uᵀ v of each map, (…, maps, 1)."""
    return namespace(vectors).sum(unit * vectors, axis=-1, keepdims=True)
