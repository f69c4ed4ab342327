"""What loads when first used, so that ``import statdl`` stays cheap: modules, and public names."""

from __future__ import annotations

import ast
import importlib
import os
import sys
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


class LazyPackage(ModuleType):
    """A package whose public names are imported, each from its module, at their first use."""

    __homes__: dict[str, str]

    def __getattr__(self, name: str) -> Any:
        if name not in self.__homes__:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        home = self.__homes__[name]
        if home == self.__name__:
            value = importlib.import_module(f"{home}.{name}")
        else:
            value = getattr(importlib.import_module(home), name)
        self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        """Bind a name, but let no module hide the public name that it shares.

        The import system binds a module in its package as soon as it is loaded: ``formula``, the
        verb, would turn into ``statdl.formula``, the room.
        """
        own = self.__homes__.get(name, self.__name__) == self.__name__
        if own or not isinstance(value, ModuleType):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*self.__homes__, *(name for name in self.__dict__ if name[:2] == "__")})


def lazy_names(package: str) -> list[str]:
    """Let the names that a package's stub imports load at their first use, and return them.

    The stub, ``__init__.pyi`` beside ``__init__.py``, is the one list of public names: type
    checkers and editors read it, and so does this function (PEP 562 and Scientific Python's SPEC 1
    describe the method).

    Examples
    --------
    >>> import statdl
    >>> lazy_names("statdl") == statdl.__all__
    True
    """
    module: Any = sys.modules[package]
    with open(os.path.join(module.__path__[0], "__init__.pyi"), encoding="utf-8") as stub:
        tree = ast.parse(stub.read())
    module.__homes__ = {
        alias.name: str(node.module)
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    module.__class__ = LazyPackage
    return sorted(module.__homes__)
