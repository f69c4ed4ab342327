"""Formulas as MathML: browsers draw it themselves, so that pages need no script and no network.

docutils turns LaTeX into MathML; this lets Sphinx's HTML use it, and mends what docutils gets
wrong. A formula that docutils does not understand is a warning, and with ``-W`` the build fails.
"""

from __future__ import annotations

import html
import re
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
#: What \hat, \bar, \tilde, \dot and \vec put above a letter.
ACCENTS = frozenset("ˆ^ˉ¯˜~˙→")
CLOSING = frozenset(")]}|")
#: \\frac12, which docutils reads as a fraction of 12 and what follows.
SHORT_FRACTION = re.compile(r"\\([dt]?frac) *([0-9])([0-9])")
APPLY = "\N{FUNCTION APPLICATION}"
Element = ElementTree.Element


def visit_inline(self: Any, node: nodes.math) -> None:
    """Write a formula within a sentence."""
    self.body.append(_mathml(node, block=False))
    raise nodes.SkipNode


def visit_block(self: Any, node: nodes.math_block) -> None:
    """Write a formula on lines of its own, in a box that scrolls where a phone is too narrow."""
    self.body.append(f'<div class="formula">{_mathml(node, block=True)}</div>\n')
    raise nodes.SkipNode


def _mathml(node: nodes.Element, *, block: bool) -> str:
    """Return a formula as MathML."""
    source = node.astext().strip()
    aligned = block and "\\\\" in source and "\\begin" not in source
    code = f"\\begin{{aligned}}{source}\\end{{aligned}}" if aligned else source
    code = SHORT_FRACTION.sub(r"\\\1{\2}{\3}", code)
    try:
        return mended(tex2mathml(code, as_block=block))
    except MathError as error:
        logger.warning("The formula %r is not understood: %s", source, error, location=node)
        return f"<code>{html.escape(source)}</code>"


def mended(mathml: str) -> str:
    """Return MathML with indices beside accented letters, and space around names of functions."""
    ElementTree.register_namespace("", NAMESPACE)
    tree = ElementTree.fromstring(mathml.replace("&ApplyFunction;", APPLY))
    for parent in list(tree.iter()):
        parent[:] = [_index_beside(child) for child in parent]
        _space_out(parent)
    return ElementTree.tostring(tree, encoding="unicode", short_empty_elements=False)


def _index_beside(element: Element) -> Element:
    r"""Return ``\hat y_k`` with k beside ŷ, not below it as docutils has it; others as they are."""
    if not (_is(element, "munderover") and element[2].text in ACCENTS):
        return element
    base, index, accent = element
    accented = Element(f"{{{NAMESPACE}}}mover", {"accent": "true"})
    accented[:] = [base, accent]
    beside = Element(f"{{{NAMESPACE}}}msub")
    beside[:] = [accented, index]
    return beside


def _space_out(row: Element) -> None:
    """Put thin spaces around ``log`` in ``y log x``, as TeX does; none before brackets."""
    if not any(child.text == APPLY for child in row):
        return
    children: list[Element] = []
    for place, child in enumerate(row):
        after = row[place + 1] if place + 1 < len(row) else None
        if child.text == APPLY and after is not None and (after.text or "").strip() != "(":
            child = _thin_space()
        named = after is not None and after.text == APPLY
        if named and children and (not _is(children[-1], "mo") or children[-1].text in CLOSING):
            children.append(_thin_space())
        children.append(child)
    row[:] = children


def _thin_space() -> Element:
    return Element(f"{{{NAMESPACE}}}mspace", {"width": "0.17em"})


def _is(element: Element, tag: str) -> bool:
    return element.tag == f"{{{NAMESPACE}}}{tag}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer as "mathml"."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
