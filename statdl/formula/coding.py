"""From terms and values to the columns of X, each column of full rank by construction.

A factor is coded with one column a level where nothing before it spans its mean, and with
contrasts (one column less) where something does. The bookkeeping is the one of patsy and
formulaic: a term of factors a, b stands for the products {1, a-, b-, a-:b-}, where a- is a
without its mean; products that an earlier term already brought are left out, and the rest is
written with as few pieces as possible by joining b- with a-:b- to a:b-.

Reference: Smith, N. J., patsy documentation, "Redundancy and categorical factors".
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, reduce
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.errors import DataError, FormulaError
from statdl.formula.suggest import listing
from statdl.formula.transforms import contrast, no_level
from statdl.formula.values import Categorical, Matrix, Value

#: One product of coded factors: each factor's name, and whether its mean is left out.
Piece = tuple[tuple[str, bool], ...]
#: For each term the products that its columns come from.
Layout = tuple[tuple[Piece, ...], ...]


@lru_cache(maxsize=256)
def arrange(
    terms: tuple[tuple[str, ...], ...], categorical: frozenset[str], intercept: bool
) -> Layout:
    """Decide how each factor of each term is coded.

    Examples
    --------
    >>> arrange((("a",), ("a", "b")), frozenset("ab"), True)
    (((('a', True),),), ((('a', False), ('b', True)),))
    """
    spanned: set[frozenset[tuple[str, bool]]] = {frozenset()} if intercept else set()
    layout = []
    for term in terms:
        choices = [
            ((name, True), None) if name in categorical else ((name, False),) for name in term
        ]
        products = [
            tuple(part for part in product if part is not None)
            for product in itertools.product(*choices)
        ]
        fresh = [product for product in products if frozenset(product) not in spanned]
        spanned.update(frozenset(product) for product in fresh)
        layout.append(tuple(_joined(fresh)))
    return tuple(layout)


def _joined(products: Sequence[Piece]) -> list[Piece]:
    """Join ``p`` and ``p:f-`` to ``p:f`` until nothing more can be joined."""
    kept: list[Piece] = []
    for product in sorted(products, key=len):
        partner = next((other for other in kept if _extra(product, other)), None)
        if partner is None:
            kept.append(product)
            continue
        name = _extra(product, partner)
        whole = tuple((f, False) if f == name else (f, less) for f, less in product)
        kept = _joined([other for other in kept if other != partner] + [whole])
    return kept


def _extra(product: Piece, other: Piece) -> str | None:
    """Return the one factor that ``product`` has without its mean and ``other`` lacks."""
    difference = set(product) - set(other)
    if len(product) != len(other) + 1 or len(difference) != 1:
        return None
    name, reduced = next(iter(difference))
    return name if reduced else None


def columns(
    pieces: Sequence[Piece], values: Mapping[str, Value], default: str
) -> Iterator[tuple[str, Array]]:
    """Yield the name and the numbers of each column of one term.

    As in R the first factor of an interaction changes fastest.
    """
    for piece in pieces:
        coded = [_coded(name, values[name], reduced, default) for name, reduced in piece]
        for product in itertools.product(*reversed(coded)):
            ordered = product[::-1]
            name = ":".join(part[0] for part in ordered)
            yield name, reduce(np.multiply, (part[1] for part in ordered))


def _coded(name: str, value: Value, reduced: bool, default: str) -> list[tuple[str, Array]]:
    if isinstance(value, Categorical):
        names, matrix = _coding(name, value, reduced, default)
        rows = matrix[value.codes]
        rows[value.codes < 0] = np.nan
        return [(column, rows[:, j]) for j, column in enumerate(names)]
    if isinstance(value, Matrix):
        return [(name + ending, value.values[:, j]) for j, ending in enumerate(value.endings)]
    return [(name, value)]


def _coding(
    name: str, factor: Categorical, reduced: bool, default: str
) -> tuple[tuple[str, ...], Array]:
    """Return column names and the (levels, columns) matrix that codes ``factor``."""
    if factor.contrast is None and default == "treatment":
        matrix = np.eye(len(factor.levels))[:, int(reduced) :]
        form = "{}[T.{}]" if reduced else "{}[{}]"
        return tuple(form.format(name, level) for level in factor.levels[int(reduced) :]), matrix
    chosen = factor.contrast or contrast(default, name)
    return _contrast_coding(name, factor.levels, chosen, reduced)


def _contrast_coding(
    name: str, levels: tuple[Any, ...], chosen: Any, reduced: bool
) -> tuple[tuple[str, ...], Array]:
    _check_contrast(name, levels, chosen)
    order = list(levels)
    try:
        matrix = chosen.get_coding_matrix(order, reduced_rank=reduced).to_numpy(dtype=float)
        endings = chosen.get_coding_column_names(order, reduced_rank=reduced)
    except (ValueError, TypeError) as error:
        raise FormulaError(
            f"`{name}`: its contrast does not fit a factor of {len(levels)} levels "
            f"({listing(levels)})."
        ) from error
    form = chosen.get_factor_format(order, reduced_rank=reduced)
    return tuple(form.format(name=name, field=ending) for ending in endings), matrix


def _check_contrast(name: str, levels: tuple[Any, ...], chosen: Any) -> None:
    base = getattr(chosen, "base", None)
    if base is not None and repr(base) != "UNSET" and base not in levels:
        raise no_level(base, levels, name)


def check_factors(values: Mapping[str, Value]) -> None:
    """Refuse factors that cannot be contrasted: those with one level."""
    for name, value in values.items():
        if isinstance(value, Categorical) and len(value.levels) < 2:
            only = f"only {value.levels[0]!r}" if value.levels else "no level"
            raise DataError(
                f"the factor `{name}` has {only} in the rows used, and contrasts need 2 or more "
                "levels. Leave it out of the formula."
            )


def matrix(
    layout: Layout, values: Mapping[str, Value], n: int, default: str
) -> tuple[Array, list[str], list[tuple[int, ...]]]:
    """Return X of shape (n, p), its column names, and the columns of each term.

    X is in column-major order: it is built, and mostly read, a column at a time.
    """
    names: list[str] = []
    parts: list[Array] = []
    places: list[tuple[int, ...]] = []
    for pieces in layout:
        start = len(names)
        for name, part in columns(pieces, values, default):
            names.append(name)
            parts.append(part)
        places.append(tuple(range(start, len(names))))
    X = np.empty((n, len(parts)), order="F")
    for j, part in enumerate(parts):
        X[:, j] = part
    return X, names, places
