"""README.md tells the truth: its examples print what stands there, its table was measured."""

import re

import pytest

from benchmarks.readme import rendered
from tools.readme import README, executed


@pytest.fixture(scope="module")
def text() -> str:
    return README.read_text(encoding="utf-8")


def test_examples_print_what_the_readme_says(text):
    assert executed(text) == text, "run `make readme` and look at what changed"


def test_benchmark_table_is_the_committed_result(text):
    assert rendered(text) == text, "run `make readme`"


def test_links_inside_the_repository_lead_somewhere(text):
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    missing = [target for target in targets if not (README.parent / target).exists()]
    assert not missing
