"""Records to JSON and arrays, and back, by the annotations of their fields.

A record is a frozen dataclass. What its fields are declared to be says how they are written and
what is accepted when they are read, so that there is no second description to keep in step:

    int, float, str, bool, None        themselves ("nan", "inf" and "-inf" as text)
    tuple, list, frozenset, Mapping    lists, and objects with keys of text
    an enumeration, a literal          its name, itself
    a dataclass                        an object of its fields
    one of several classes             {"is": its name, …its fields}, from the table of variants
    Any                                plain data; what JSON lacks is tagged, arrays stand apart

Reading builds only classes named in the table, from values that have been checked, and runs
nothing.
"""

from __future__ import annotations

import math
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from statdl.backend.array import Array, is_array, to_numpy
from statdl.errors import DataError, ModelError

#: For a declared class: the classes that may stand there, each named by its own name.
Variants = Mapping[Any, tuple[type, ...]]

_ENDLESS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Codec:
    """Writes and reads records; ``arrays`` are those beside the JSON, by name."""

    def __init__(
        self,
        variants: Variants,
        left_out: Mapping[type, frozenset[str]],
        arrays: Mapping[str, Array] | None = None,
    ) -> None:
        self.variants, self.left_out = variants, left_out
        self.arrays: dict[str, Array] = dict(arrays or {})

    # writing ---------------------------------------------------------------------------------

    def write(self, value: Any, hint: Any, place: str) -> Any:
        """Return ``value``, declared as ``hint``, as JSON; ``place`` is its name in messages."""
        origin, inner = get_origin(hint), get_args(hint)
        if hint is Any:
            return self._write_plain(value, place)
        if origin in (Union, types.UnionType):
            return None if value is None else self.write(value, _present(hint), place)
        if origin in (tuple, list, frozenset):
            items = sorted(value) if origin is frozenset else list(value)
            hints = _item_hints(origin, inner, len(items))
            return [
                self.write(item, one, f"{place}.{k}")
                for k, (item, one) in enumerate(zip(items, hints, strict=True))
            ]
        if origin is Literal:
            return value
        if origin is not None and issubclass(origin, Mapping):
            return {
                key: self.write(item, inner[1], f"{place}.{key}") for key, item in value.items()
            }
        if hint in self.variants:
            return self._write_variant(value, hint, place)
        if is_dataclass(hint):
            return self._write_fields(value, place)
        if issubclass(hint, Enum):
            return value.name
        return _write_number(hint, value)

    def _write_variant(self, value: Any, hint: Any, place: str) -> Any:
        if type(value) not in self.variants[hint]:
            raise ModelError(
                f"A fit with {type(value).__name__} cannot be saved: files hold what statdl has "
                f"itself, and as {hint.__name__.lower()} it has "
                f"{', '.join(kind.__name__ for kind in self.variants[hint])}."
            )
        return {"is": type(value).__name__, **self._write_fields(value, place)}

    def _write_fields(self, value: Any, place: str) -> dict[str, Any]:
        return {
            name: self.write(getattr(value, name), hint, f"{place}.{name}")
            for name, hint in self._fields(type(value)).items()
        }

    def _write_plain(self, value: Any, place: str) -> Any:
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, bool | int | str):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"number": str(value)}
        if isinstance(value, list | tuple):
            items = [self._write_plain(item, place) for item in value]
            return items if isinstance(value, list) else {"tuple": items}
        if isinstance(value, Mapping):
            pairs = [
                [self._write_plain(key, place), self._write_plain(item, f"{place}.{key}")]
                for key, item in value.items()
            ]
            return {"map": pairs}
        if is_array(value):
            return {"array": self._put(to_numpy(value), place)}
        raise ModelError(
            f"The fit cannot be saved: {place} holds a {type(value).__name__}, and files hold "
            "numbers, text and arrays."
        )

    def _put(self, values: Array, place: str) -> str:
        plain = re.sub(r"[^a-z0-9.]+", "-", place.lower()).strip("-.")[:100]
        name = plain if plain and plain not in self.arrays else f"{plain}.{len(self.arrays)}"
        self.arrays[name] = values
        return name

    # reading ---------------------------------------------------------------------------------

    def read(self, document: Any, hint: Any, place: str) -> Any:
        """Return the value that JSON stands for where ``hint`` is declared."""
        origin, inner = get_origin(hint), get_args(hint)
        if hint is Any:
            return self._read_plain(document, place)
        if origin in (Union, types.UnionType):
            return None if document is None else self.read(document, _present(hint), place)
        if origin in (tuple, list, frozenset):
            items = _expect(document, list, place)
            hints = _item_hints(origin, inner, len(items))
            if len(hints) != len(items):
                raise _wrong(place)
            return origin(
                self.read(item, one, place) for item, one in zip(items, hints, strict=True)
            )
        if origin is Literal:
            if document not in inner:
                raise _wrong(place)
            return document
        if origin is not None and issubclass(origin, Mapping):
            pairs = _expect(document, dict, place).items()
            return {key: self.read(item, inner[1], f"{place}.{key:.40}") for key, item in pairs}
        if hint in self.variants:
            return self._read_variant(document, hint, place)
        if is_dataclass(hint):
            return self._read_fields(_expect(document, dict, place), hint, place)
        if issubclass(hint, Enum):
            if document not in hint.__members__:
                raise _wrong(place)
            return hint[document]
        return _read_number(hint, document, place)

    def _read_variant(self, document: Any, hint: Any, place: str) -> Any:
        known = {kind.__name__: kind for kind in self.variants[hint]}
        chosen = _expect(document, dict, place).get("is")
        if not isinstance(chosen, str) or chosen not in known:
            raise DataError(f"its {place} is a {chosen!r:.40}, which this version does not know.")
        given = {name: part for name, part in document.items() if name != "is"}
        return self._read_fields(given, known[chosen], place)

    def _read_fields(self, document: Mapping[str, Any], kind: Any, place: str) -> Any:
        hints = self._fields(kind)
        if set(document) != set(hints):
            raise _wrong(place)
        return kind(
            **{name: self.read(document[name], hints[name], f"{place}.{name}") for name in hints}
        )

    def _read_plain(self, document: Any, place: str) -> Any:
        if document is None or isinstance(document, bool | int | float | str):
            return document
        if isinstance(document, list):
            return [self._read_plain(item, place) for item in document]
        if len(document) != 1:
            raise _wrong(place)
        [(tag, content)] = document.items()
        readers: dict[str, Callable[[], Any]] = {
            "number": lambda: _ENDLESS[content],
            "tuple": lambda: tuple(self._read_plain(item, place) for item in content),
            "map": lambda: {
                self._read_plain(key, place): self._read_plain(item, place) for key, item in content
            },
            "array": lambda: self.arrays[content],
        }
        if tag not in readers:
            raise _wrong(place)
        return readers[tag]()

    def _fields(self, kind: Any) -> dict[str, Any]:
        """Return the declared types of the fields that are written."""
        return {
            name: hint
            for name, hint in _declared(kind).items()
            if name not in self.left_out.get(kind, ())
        }


@cache
def _declared(kind: Any) -> dict[str, Any]:
    if not is_dataclass(kind):
        return {}
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind) if field.init}


def _present(hint: Any) -> Any:
    """Return what a hint allows besides None."""
    [one] = [part for part in get_args(hint) if part is not type(None)]
    return one


def _item_hints(origin: Any, inner: tuple[Any, ...], count: int) -> list[Any]:
    if origin is tuple and inner[-1] is not Ellipsis:
        return list(inner)
    return [inner[0]] * count


def _expect(document: Any, kind: type, place: str) -> Any:
    if not isinstance(document, kind):
        raise _wrong(place)
    return document


def _write_number(hint: Any, value: Any) -> Any:
    if hint is float:
        number = float(value)
        return number if math.isfinite(number) else str(number)
    return hint(value)


def _read_number(hint: Any, document: Any, place: str) -> Any:
    if hint is float and isinstance(document, str) and document in _ENDLESS:
        return _ENDLESS[document]
    if hint is float and isinstance(document, int) and not isinstance(document, bool):
        return float(document)
    if type(document) is not hint:
        raise _wrong(place)
    return document


def _wrong(place: str) -> DataError:
    return DataError(f"its {place} is not what a model has there.")
