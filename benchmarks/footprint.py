"""How much memory a task takes at most, in a process of its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import statdl as sd
from benchmarks import data
from benchmarks.core import STATDL

#: What ru_maxrss counts in: KiB on Linux, bytes on macOS.
UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Footprint:
    """Margins of a multinomial regression: their time, and the largest memory of the process.

    The process draws the data, fits, and then asks; ``megabytes`` bound all of it.
    """

    title: str
    verb: str
    n: int = 400_000
    p: int = 10
    K: int = 5
    megabytes: float = 1000.0

    def measured(self, repeat: int, quick: bool, limit_s: float) -> dict[str, Any]:
        """Return the record of the task."""
        n = 4_000 if quick else self.n
        code = f"from benchmarks.footprint import ask; ask({self.verb!r}, {n}, {self.p}, {self.K})"
        run = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        )
        found = json.loads(run.stdout)
        seconds = round(found["seconds"], 4)
        return {
            "task": self.title,
            "goal": {"megabytes": self.megabytes},
            "met": bool(found["megabytes"] <= self.megabytes),
            "times": {STATDL: {"min_s": seconds, "median_s": seconds, "runs": 1}},
            "agreement": None,
            "megabytes": round(found["megabytes"], 1),
            "megabytes_before": round(found["before"], 1),
        }


def ask(verb: str, n: int, p: int, K: int) -> None:
    """Print what the margins took, as JSON: for the process that measures them."""
    drawn = data.multinoulli(n, p, K)
    fitted = sd.multinom(X=drawn.X, y=drawn.y)
    before = _peak()
    start = time.perf_counter()
    if verb == "slopes":  # one variable, an estimate for every row and class
        fitted.slopes("x1")
    else:
        getattr(fitted, verb)()
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "megabytes": _peak(), "before": before}))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT / 1e6
