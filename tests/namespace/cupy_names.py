"""What CuPy has, as a list: written where CuPy is installed, read where it is not.

``python -m tests.namespace.cupy_names`` writes ``cupy_names.json`` beside this file: the functions
of each module with the names of their parameters (None where they cannot be asked for), and the
attributes of arrays. It needs no driver and no card.
"""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_suffix(".json")
MODULES = ("cupy", "cupy.linalg", "cupy.fft", "cupyx.scipy.special")


def known() -> dict[str, Any]:
    """Return the list that was written."""
    return json.loads(FILE.read_text())


def _names(owner: Any) -> list[str]:
    return [name for name in dir(owner) if not name.startswith("_")]


def _parameters(value: Any) -> list[str] | None:
    try:
        return list(inspect.signature(value).parameters)
    except (TypeError, ValueError):
        return None


def _kind(value: Any) -> str:
    return "ufunc" if type(value).__name__ == "ufunc" else type(value).__name__


def write() -> None:
    """Ask the CuPy that is installed."""
    cupy: Any = importlib.import_module("cupy")
    found: dict[str, Any] = {"version": cupy.__version__}
    for name in MODULES:
        module = importlib.import_module(name)
        found[name] = {
            one: [_kind(getattr(module, one)), _parameters(getattr(module, one))]
            for one in _names(module)
            if callable(getattr(module, one, None))
        }
    found["ndarray"] = dir(cupy.ndarray)
    FILE.write_text(json.dumps(found, separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    write()
