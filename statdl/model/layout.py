"""Where a network's parameters are in θ, what they are called, and how many there are.

Units are called h1, h2, … where there is one hidden layer, and h1.1, h1.2, …, h2.1, … where there
are more: h2.1 is the first unit of the second layer. A weight is named by what it joins,
``wt -> h1`` or ``h1 -> mpg``, a bias ``bias -> h1``, normalisation's parameters ``scale -> h1`` and
``shift -> h1``; the maps of a maxout unit are ``h1[1]``, ``h1[2]``, …. With weight normalisation
``wt -> h1`` is an entry of the unit's direction, and ``scale -> h1`` the length of its weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from statdl.backend.array import Array, namespace
from statdl.model.layer import Affine, Layer


@dataclass(frozen=True)
class Block:
    """Parameters of one kind in one layer.

    Hidden layers are numbered from 0, and the output layer comes last. ``kind`` is "bias",
    "weights", "scale" or "shift"; ``shape`` is (maps,), or (maps, inputs) for weights, row by row
    ``stride`` apart in θ from ``start`` on.
    """

    layer: int
    kind: str
    shape: tuple[int, ...]
    start: int
    stride: int

    @property
    def positions(self) -> tuple[int, ...]:
        """Where the parameters are in θ, row by row."""
        width = self.shape[1] if len(self.shape) == 2 else 1
        rows = (self.start + row * self.stride for row in range(self.shape[0]))
        return tuple(chain.from_iterable(range(first, first + width) for first in rows))

    def of(self, parameters: Array) -> Array:
        """Return these parameters of θ, (…, *shape)."""
        xp = namespace(parameters)
        places = xp.asarray(self.positions, dtype=xp.int64, device=parameters.device)
        taken = xp.take(parameters, places, axis=-1)
        return xp.reshape(taken, (*parameters.shape[:-1], *self.shape))


@dataclass(frozen=True)
class LayerRow:
    """A row of the architecture table: a layer, its number of units, and of parameters."""

    layer: str
    output: int
    parameters: int


def blocks(layers: Sequence[Layer], output: Affine) -> tuple[Block, ...]:
    """Return the blocks of θ in the order of their layers."""
    found: list[Block] = []
    for index, layer in enumerate(layers):
        found += _affine_blocks(index, layer.affine)
        maps = (layer.hidden.maps,)
        if layer.normalised or layer.directed:
            found.append(Block(index, "scale", maps, layer.scale_slice.start, 1))
        if layer.normalised:
            found.append(Block(index, "shift", maps, layer.shift_slice.start, 1))
    return (*found, *_affine_blocks(len(layers), output))


def _affine_blocks(index: int, affine: Affine) -> Iterator[Block]:
    if affine.intercept:
        yield Block(index, "bias", (affine.outputs,), affine.start, affine.columns)
    shape = (affine.outputs, affine.inputs)
    yield Block(index, "weights", shape, affine.start + affine.intercept, affine.columns)


def sizes(layout: Sequence[Block]) -> tuple[Block, ...]:
    """Return the blocks that hold how large each layer's weights are: those that decay shrinks.

    Of a weight-normalised layer these are the scales, ½ λ Σ g² = ½ λ Σ ‖w‖²: its directions have no
    size of their own.
    """
    found = {block.layer: block for block in layout if block.kind == "weights"}
    shifted = {block.layer for block in layout if block.kind == "shift"}
    scales = (block for block in layout if block.kind == "scale" and block.layer not in shifted)
    found |= {block.layer: block for block in scales}
    return tuple(found.values())


def unit_names(layers: Sequence[Layer], index: int) -> tuple[str, ...]:
    """Return the names of a hidden layer's units."""
    prefix = "h" if len(layers) == 1 else f"h{index + 1}."
    return tuple(f"{prefix}{unit + 1}" for unit in range(layers[index].hidden.units))


def _map_names(layers: Sequence[Layer], index: int) -> tuple[str, ...]:
    pieces = layers[index].hidden.activation.affine_maps
    names = unit_names(layers, index)
    if pieces == 1:
        return names
    return tuple(f"{name}[{piece + 1}]" for name in names for piece in range(pieces))


def parameter_names(
    layers: Sequence[Layer],
    output: Affine,
    input_names: Sequence[str],
    output_names: Sequence[str],
    skip: bool,
) -> tuple[str, ...]:
    """Return the names of θ's entries, in order."""
    names: list[str] = []
    sources = tuple(input_names)
    for index, layer in enumerate(layers):
        targets = _map_names(layers, index)
        names += _table_names(sources, targets, layer.affine.intercept)
        kinds = ("scale", "shift")[: 2 * layer.normalised + layer.directed]
        names += [f"{kind} -> {unit}" for kind in kinds for unit in targets]
        sources = unit_names(layers, index)
    if skip:
        sources = (*sources, *input_names)
    return (*names, *_table_names(sources, output_names, output.intercept))


def _table_names(sources: Sequence[str], targets: Sequence[str], intercept: bool) -> Iterator[str]:
    starts = ("bias", *sources) if intercept else tuple(sources)
    return (f"{source} -> {target}" for target in targets for source in starts)


def layer_rows(layers: Sequence[Layer], output: Affine) -> tuple[LayerRow, ...]:
    """Return the layers with their output sizes and numbers of parameters."""
    rows = [
        LayerRow(
            f"hidden {index + 1} ({layer.hidden.activation.name})",
            layer.hidden.units,
            layer.stop - layer.affine.start,
        )
        for index, layer in enumerate(layers)
    ]
    return (*rows, LayerRow("output", output.outputs, output.stop - output.start))
