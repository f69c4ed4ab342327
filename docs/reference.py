"""The reference from the docstrings: the directive ``names``, a public name a line.

It writes a table of the names with their first lines, and then each docstring. A name is one of
``statdl``, such as ``lm``, or of one of its classes, such as ``Fit.summary``; what it is decides
how it is shown. ``tests/docs/test_reference.py`` holds the pages to the public names, all of them
once.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from types import ModuleType
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from names import found, matched
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

#: Classes whose members have places of their own on the page.
TAKEN_APART = ("Fit", "NetworkFit")
#: Code, which stays as it is, or a bar.
BAR = re.compile(r"(`+[^`]*`+)|\|")


class Names(SphinxDirective):
    """``names``: a table of public names, and their docstrings."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Hand Sphinx's own directives the names."""
        names = matched(self.content)
        text = [".. currentmodule:: statdl", "", *_overview(names)]
        for name in names:
            text += ["", *_described(name)]
        fenced = ["````{eval-rst}", *text, "````"]
        part = nodes.container()
        self.state.nested_parse(StringList(fenced, self.env.docname), self.content_offset, part)
        return part.children


def _overview(names: list[str]) -> list[str]:
    return [".. autosummary::", "   :nosignatures:", "", *(f"   {name}" for name in names)]


def _described(name: str) -> list[str]:
    """Return the directive that shows a docstring."""
    owner, _, last = name.rpartition(".")
    value = inspect.getattr_static(found(owner), last) if owner else found(name)
    if isinstance(value, property | cached_property):
        return [f".. autoproperty:: {name}"]
    if owner and inspect.isfunction(value):
        return [f".. automethod:: {name}"]
    if inspect.isclass(value):
        return [f".. autoclass:: {name}", *([] if name in TAKEN_APART else ["   :members:"])]
    if isinstance(value, ModuleType):
        return [f".. automodule:: statdl.{name}", *_of_module(value)]
    return [f".. autofunction:: {name}"]


def _of_module(module: ModuleType) -> Iterator[str]:
    """Show each name that a module offers, classes without what is inside them."""
    for name in module.__all__:
        kind = "class" if inspect.isclass(getattr(module, name)) else "function"
        yield from ("", f".. auto{kind}:: {module.__name__}.{name}")


def keep_bars(
    app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]
) -> None:
    """Let |β| in a docstring be an absolute value, where reStructuredText sees a substitution."""
    example = False
    for number, line in enumerate(lines):
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        if not example:
            lines[number] = BAR.sub(lambda part: part[1] or "\\|", line)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("names", Names)
    app.connect("autodoc-process-docstring", keep_bars)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
