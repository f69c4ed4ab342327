"""Formulas as MathML: browsers draw it themselves, so that pages need no script and no network.

docutils turns LaTeX into MathML; this is the few lines that let Sphinx's HTML use it. A formula
that docutils does not understand is a warning, and with ``-W`` the build fails.
"""

from __future__ import annotations

import html
import re
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

#: A function applied to what is not in brackets: browsers leave no space between log and L.
SPACELESS = re.compile(r'<mo>&ApplyFunction;</mo>(?!\s*<mo stretchy="false">\()')
THIN_SPACE = '<mspace width="0.17em"></mspace>'


def visit_inline(self: Any, node: nodes.math) -> None:
    """Write a formula within a sentence."""
    self.body.append(_mathml(node, block=False))
    raise nodes.SkipNode


def visit_block(self: Any, node: nodes.math_block) -> None:
    """Write a formula on lines of its own, in a box that scrolls where a phone is too narrow."""
    self.body.append(f'<div class="formula">{_mathml(node, block=True)}</div>\n')
    raise nodes.SkipNode


def _mathml(node: nodes.Element, *, block: bool) -> str:
    """Return a formula as MathML, with its LaTeX for who copies it."""
    source = node.astext().strip()
    aligned = block and "\\\\" in source and "\\begin" not in source
    code = f"\\begin{{aligned}}{source}\\end{{aligned}}" if aligned else source
    try:
        return SPACELESS.sub(THIN_SPACE, tex2mathml(code, as_block=block))
    except MathError as error:
        logger.warning("The formula %r is not understood: %s", source, error, location=node)
        return f"<code>{html.escape(source)}</code>"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer as "mathml"."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
