"""Put the committed result of a suite into README.md, between its two marks."""

from __future__ import annotations

import json
import re
from pathlib import Path

from benchmarks.table import markdown

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "benchmarks" / "results"


def rendered(text: str, suite: str = "core") -> str:
    """Return the text with the suite's table as the committed JSON has it."""
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
