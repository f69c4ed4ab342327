"""README.md's examples are run, and what they print stands below each of them.

``python -m tools.readme`` rewrites the outputs; tests/test_readme.py checks that they are current.
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

README = Path(__file__).parents[1] / "README.md"
EXAMPLE = re.compile(r"```python\n(?P<code>.*?)```\n(?:\n```text\n.*?```\n)?", re.DOTALL)


def executed(text: str) -> str:
    """Run the Python blocks in order, in one scope, and return the text with what they print."""
    scope: dict[str, Any] = {"__name__": "readme"}

    def with_output(example: re.Match[str]) -> str:
        printed = run(example["code"], scope)
        output = f"\n```text\n{printed}\n```\n" if printed else ""
        return f"```python\n{example['code']}```\n{output}"

    return EXAMPLE.sub(with_output, text)


def run(code: str, scope: dict[str, Any]) -> str:
    """Run one block; return what it printed, without spaces that no reader sees."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, README.name, "exec"), scope)
    lines = [line.rstrip() for line in output.getvalue().splitlines()]
    return "\n".join(lines).strip("\n")


if __name__ == "__main__":
    README.write_text(executed(README.read_text(encoding="utf-8")), encoding="utf-8")
