"""Put the committed result of a suite into README.md, between its two marks."""

from __future__ import annotations

import json
import re
from pathlib import Path

from benchmarks.table import markdown

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "benchmarks" / "results"


SUITES = ("core", "mlp")


def rendered(text: str) -> str:
    """Return the text with the table of every suite as the committed JSON has it."""
    for suite in SUITES:
        text = with_table(text, suite)
    return text


def with_table(text: str, suite: str) -> str:
    """Return the text with one suite's table."""
    result = RESULTS / f"{suite}.json"
    if not result.exists():
        return text
    begin, end = f"<!-- benchmarks:{suite} -->", "<!-- benchmarks:end -->"
    table = markdown(json.loads(result.read_text(encoding="utf-8")))
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    return pattern.sub(lambda _: f"{begin}\n{table}\n{end}", text)


def rewrite() -> None:
    """Bring README.md up to date."""
    README.write_text(rendered(README.read_text(encoding="utf-8")), encoding="utf-8")
