"""Formulas as MathML: what docutils gets wrong is mended."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

pytest.importorskip("sphinx")
latex = pytest.importorskip("docutils.utils.math.latex2mathml")

SOURCE = Path(__file__).parents[2] / "docs" / "mathml.py"


@pytest.fixture(scope="module")
def mended():
    """Return the function of docs/mathml.py from LaTeX to MathML, without white space."""
    found = importlib.util.spec_from_file_location("mathml", SOURCE)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return lambda source: re.sub(r"\s*\n\s*", "", module.mended(latex.tex2mathml(source)))


def test_an_index_of_an_accented_letter_stands_beside_it(mended):
    shown = mended(r"\hat y_k")
    assert "munderover" not in shown
    assert re.search(r"<msub><mover.*<mi>y</mi>.*</mover><mi>k</mi></msub>", shown)


def test_the_limits_of_a_sum_stay_where_they_are(mended):
    assert "<munderover>" in mended(r"\sum_{i=1}^n x_i")


def test_names_of_functions_keep_their_distance(mended):
    assert mended(r"y \log x").count("mspace width") == 2
    assert mended(r"y + \log(x)").count("mspace width") == 0
