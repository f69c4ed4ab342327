"""The reference shows every public name, once."""

import doctest
import importlib.util
import re
from collections import Counter
from pathlib import Path

import pytest

import statdl

DOCS = Path(statdl.__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```\{names\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPEC = importlib.util.spec_from_file_location("names", DOCS / "names.py")
NAMES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(NAMES)
#: What a page says of a fit in words, and not by a docstring: its two fields.
FIELDS = {"estimate", "call"}


def shown():
    """Every name of the pages, wildcards filled in, with how often it is there."""
    pages = [page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md")]
    blocks = [block for page in pages for block in BLOCK.findall(page)]
    return Counter(name for block in blocks for name in NAMES.matched(block.splitlines()))


def test_every_public_name_is_in_the_reference_once():
    found = shown()
    missing = sorted(set(statdl.__all__) - set(found))
    assert not missing, "add them to a page of docs/reference/"
    assert not [name for name, count in found.items() if count > 1]


@pytest.mark.parametrize("kind", [statdl.Fit, statdl.NetworkFit])
def test_every_method_and_attribute_of_a_fit_is_in_the_reference(kind):
    own = {name for name in dir(kind) if not name.startswith("_")} - FIELDS
    if kind is statdl.NetworkFit:
        own = {name for name in own if getattr(kind, name) is not getattr(statdl.Fit, name, None)}
    missing = sorted(f"{kind.__name__}.{name}" for name in own)
    assert not [name for name in missing if name not in shown()]


def test_what_the_reference_shows_exists():
    for name in shown():
        assert NAMES.found(name) is not None


def test_a_line_stands_for_the_names_that_match_it():
    assert doctest.testmod(NAMES).failed == 0
