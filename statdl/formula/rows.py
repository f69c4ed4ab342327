"""Which rows a model uses: subset, missing values, and what must be aligned with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from statdl.backend.array import Array, is_array, namespace, supports, to_numpy
from statdl.errors import DataError
from statdl.formula.frame import is_pandas
from statdl.formula.suggest import count, listing
from statdl.kinds import type_name

NA_ACTIONS = ("drop", "raise")
_CODED = " Text is coded by a formula with data=, a frame; or code it as numbers first."
#: What to do with values of a kind of dtype that are no numbers.
_REMEDY = {
    "O": f" Numbers that are held as objects become numbers by astype(float).{_CODED}",
    "U": _CODED,
    "S": _CODED,
    "M": " Convert dates to numbers, such as days since a date.",
    "m": " Divide durations by a unit, such as np.timedelta64(1, 'D').",
}


def check_na_action(na_action: str) -> None:
    """Refuse an unknown ``na_action``."""
    if na_action not in NA_ACTIONS:
        raise DataError(
            f"na_action={na_action!r} is not known; choose 'drop' (leave rows with missing values "
            "out, as R does) or 'raise'."
        )


def check_index(given: Any, index: Any, name: str) -> None:
    """Refuse a labelled vector whose labels are not those of the data, row by row."""
    labels = getattr(given, "index", None) if is_pandas(given) else None
    if index is None or labels is None or labels.equals(index):
        return
    raise DataError(
        f"the index of {name} differs from the index of the data. Reorder it with "
        f"{name}.loc[data.index], or pass {name}.to_numpy() to match by position."
    )


def as_vector(given: Any, n: int, name: str) -> Array:
    """Return ``given`` as a vector of ``n`` numbers in its own array library.

    Raises
    ------
    DataError
        When it has another length, several columns, or is not made of real numbers.
    """
    given = detached(given)
    values = given if is_array(given) else _host(given, f"{name} must be a vector of numbers.")
    if values.dtype == object:
        try:
            values = np.array([np.nan if _gone(v) else float(v) for v in values.flat])
        except (TypeError, ValueError):
            raise DataError(f"{name} must be made of numbers; it has object dtype.") from None
    if values.ndim == 2 and values.shape[1] == 1:
        values = namespace(values).reshape(values, (-1,))
    if values.ndim != 1:
        raise DataError(f"{name} must be one vector, not an array of shape {tuple(values.shape)}.")
    if values.shape[0] != n:
        raise DataError(f"{name} has length {values.shape[0]}, and the data have {count(n)}.")
    return as_floating(values, name)


def _host(given: Any, complaint: str) -> Array:
    to_own = getattr(given, "to_numpy", None)
    try:
        return np.asarray(to_own() if to_own is not None else given)
    except ValueError:
        raise DataError(complaint) from None
    except (RuntimeError, TypeError):
        raise unreadable_array(given, complaint.partition(" must")[0]) from None


def detached(values: Any) -> Any:
    """Return a tensor of PyTorch's without its history, anything else as it is."""
    return values.detach() if getattr(values, "requires_grad", False) else values


def unreadable_array(given: Any, name: str) -> DataError:
    """Return the error for an array of a library that NumPy cannot read, such as a tensor."""
    hint = ".detach().cpu()" if hasattr(given, "detach") else ""
    return DataError(
        f"{name}: NumPy cannot read this {type_name(given)}; pass it as {name}{hint}.numpy(), or "
        "as a list."
    )


def _gone(value: Any) -> bool:
    return value is None or type(value).__name__ == "NAType"


def as_floating(values: Array, name: str) -> Array:
    """Return real numbers as floating ones (float32 and float64 as they are)."""
    xp, dtype = namespace(values), values.dtype
    if (kind := getattr(dtype, "kind", "f")) in "OUSMmV":
        raise DataError(
            f"{name} must be made of numbers; it has dtype {dtype}.{_REMEDY.get(kind, '')}"
        )
    if xp.isdtype(dtype, "complex floating"):
        raise DataError(f"{name} is complex ({dtype}); models need real numbers.")
    if dtype in (xp.float32, xp.float64):
        return values
    return xp.astype(values, xp.float64 if supports(values, "float64") else xp.float32)


def check_weights(weights: Array, numbers: Array | None = None) -> None:
    """Refuse weights that are negative, infinite or all zero.

    ``numbers`` are the rows' positions in the data given, for the message.
    """
    xp = namespace(weights)
    for wrong, what in ((weights < 0, "negative"), (xp.isinf(weights), "infinite")):
        bad = int(xp.sum(xp.astype(wrong, xp.int64)))
        if bad:
            first = int(xp.argmax(xp.astype(wrong, xp.int64)))
            raise DataError(
                f"weights must not be {what}, and {count(bad)} {'is' if bad == 1 else 'are'}: the "
                f"first is row {_row(first, numbers)} ({float(weights[first]):g})."
            )
    if not bool(xp.any(weights > 0)):
        raise DataError("weights are all zero, so that no row counts.")


def mask_positions(subset: Any, n: int, index: Any) -> Array:
    """Return the positions that a boolean mask selects."""
    check_index(subset, index, "subset")
    complaint = "subset must be a mask of true and false, one a row."
    values = to_numpy(subset) if is_array(subset) else _host(subset, complaint)
    if values.dtype == object and all(isinstance(v, bool) or _gone(v) for v in values.flat):
        # A missing condition selects nothing, as in R.
        values = np.array([v is True for v in values.flat]).reshape(values.shape)
    if values.dtype != np.bool_:
        raise DataError(
            f"subset must be a mask of true and false (one a row) or an expression in quotes such "
            f"as 'wt > 3', not {values.dtype} values."
        )
    if values.shape != (n,):
        raise DataError(f"subset has shape {values.shape}, and the data have {count(n)}.")
    return selected(values)


def selected(mask: Array) -> Array:
    """Return the positions where ``mask`` holds; selecting nothing is an error."""
    positions = np.flatnonzero(mask)
    if not len(positions):
        raise DataError(f"subset selects none of the {count(len(mask))}.")
    return positions


def complete_rows(
    absent: Mapping[str, Array], na_action: str, numbers: Array | None = None
) -> Array | None:
    """Return the mask of rows without missing values, None when that is all of them.

    ``absent`` tells by name which rows are missing; ``numbers`` are the rows' positions in the
    data given, for the message.
    """
    if not absent:
        return None
    counts = listing(f"`{name}` in {count(int(np.sum(mask)))}" for name, mask in absent.items())
    gone = np.logical_or.reduce(list(absent.values()))
    if na_action == "raise":
        raise DataError(
            f"missing values: {counts}; the first is at row {_row(int(np.argmax(gone)), numbers)}. "
            "Fill them, drop them, or pass na_action='drop'."
        )
    if gone.all():
        raise DataError(f"no row is left: all {len(gone)} rows have a missing value ({counts}).")
    return ~gone


def refuse_infinite(
    masks: Iterable[tuple[str, Array | None]], numbers: Array | None = None
) -> None:
    """Raise for infinite numbers: no ``na_action`` makes sense of them."""
    for name, mask in masks:
        if mask is not None and mask.any():
            raise DataError(
                f"`{name}` is infinite in {count(int(np.sum(mask)))}, first at row "
                f"{_row(int(np.argmax(mask)), numbers)}. Remove or recode those rows; a logarithm "
                "of 0 or a division by 0 is the usual cause."
            )


def _row(position: int, numbers: Array | None) -> int:
    return position if numbers is None else int(numbers[position])
