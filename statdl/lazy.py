"""Modules that load when first used, so that ``import statdl`` stays cheap."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any


class LazyModule(ModuleType):
    """Stand in for a module and import it at the first attribute access."""

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__":  # asked of every object by doctest; no reason to import
            raise AttributeError(name)
        module = importlib.import_module(self.__name__)
        self.__dict__.update(module.__dict__)
        return getattr(module, name)


def lazy(name: str) -> Any:
    """Return ``name`` as a module that is imported at its first use.

    Examples
    --------
    >>> statistics = lazy("statistics")
    >>> statistics.mean([1, 2, 6])
    3
    """
    return LazyModule(name)
