"""The pages of docs/ run, and lead where they say."""

import re
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(DOCS.rglob("*.md"))
NOTEBOOKS = [page for page in PAGES if page.read_text("utf-8").startswith("---\nfile_format")]


def named(page):
    return str(page.relative_to(DOCS))


def code(page):
    """The code of each cell, without its options: lines with a colon, or YAML between dashes."""
    for cell in CELL.findall(page.read_text(encoding="utf-8")):
        plain = re.sub(r"\A---\n.*?^---\n", "", cell, flags=re.DOTALL | re.MULTILINE)
        yield "\n".join(line for line in plain.splitlines() if not line.startswith(":"))


@pytest.mark.parametrize("page", NOTEBOOKS, ids=named)
def test_the_cells_of_a_page_run(page, monkeypatch):
    pytest.importorskip("matplotlib").use("Agg")
    monkeypatch.chdir(page.parent)
    monkeypatch.syspath_prepend(str(DOCS / "examples"))
    names = {"__name__": "__main__"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for cell in code(page):
            exec(compile(cell, str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_of_a_page_lead_somewhere(page):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text)
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_pages_were_found():
    assert len(NOTEBOOKS) > 10
