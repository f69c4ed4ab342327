"""Formulas as MathML: what docutils gets wrong is mended."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

pytest.importorskip("sphinx")
nodes = pytest.importorskip("docutils.nodes")

SOURCE = Path(__file__).parents[2] / "docs" / "mathml.py"


@pytest.fixture(scope="module")
def mended():
    """Return what docs/mathml.py makes of LaTeX, without white space."""
    found = importlib.util.spec_from_file_location("mathml", SOURCE)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return lambda source: re.sub(
        r"\s*\n\s*", "", module._mathml(nodes.math(text=source), block=False)
    )


def test_an_index_of_an_accented_letter_stands_beside_it(mended):
    shown = mended(r"\hat y_k")
    assert "munderover" not in shown
    assert re.search(r"<msub><mover.*<mi>y</mi>.*</mover><mi>k</mi></msub>", shown)


def test_the_limits_of_a_sum_stay_where_they_are(mended):
    assert "<munderover>" in mended(r"\sum_{i=1}^n x_i")


def test_names_of_functions_keep_their_distance(mended):
    assert mended(r"y \log x").count("mspace width") == 2
    assert mended(r"y + \log(x)").count("mspace width") == 0


def test_a_fraction_of_two_digits_is_one_of_two_numbers(mended):
    assert "<mfrac><mn>1</mn><mn>2</mn></mfrac>" in mended(r"\frac12 \sum_k e_k")
