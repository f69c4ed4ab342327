"""Put the committed result of a suite into README.md, between its two marks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from benchmarks import card_table
from benchmarks.table import markdown, scale_markdown

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "benchmarks" / "results"


SUITES = ("core", "mlp", "many", "paths")


def rendered(text: str) -> str:
    """Return the text with the table of every suite as the committed JSON has it."""
    for suite in SUITES:
        result = RESULTS / f"{suite}.json"
        if result.exists():
            text = between_marks(text, suite, markdown(read(result)))
    text = between_marks(text, "scale", scale_markdown(read(RESULTS / "scale.json")))
    newest = max(RESULTS.glob("gpu-*.json"), default=None)  # their names have the date
    found = None if newest is None else read(newest)
    return between_marks(text, "gpu", card_table.markdown(found))


def read(result: Path) -> dict[str, Any]:
    """Return a committed result."""
    return json.loads(result.read_text(encoding="utf-8"))


def between_marks(text: str, suite: str, table: str) -> str:
    """Return the text with one suite's table."""
    begin, end = f"<!-- benchmarks:{suite} -->", "<!-- benchmarks:end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    return pattern.sub(lambda _: f"{begin}\n{table}\n{end}", text)


def rewrite() -> None:
    """Bring README.md up to date."""
    README.write_text(rendered(README.read_text(encoding="utf-8")), encoding="utf-8")
