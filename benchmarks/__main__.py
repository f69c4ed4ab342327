"""``python -m benchmarks core`` (or another suite) measures; ``… readme`` updates README.md."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import core, infer, many, mlp, paths, readme, scale, table

SUITES = {
    "core": core.suite,
    "mlp": mlp.suite,
    "many": many.suite,
    "infer": infer.suite,
    "paths": paths.suite,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = parser().parse_args(arguments)
    if options.suite == "readme":
        readme.rewrite()
        return 0
    if options.suite == "scale":
        rows = min(options.rows, 200_000) if options.quick else options.rows
        with tempfile.TemporaryDirectory() as temporary:
            directory = options.directory or Path(temporary)
            scale.measure(directory, rows, options.only, options.output)
        return 0
    complete = not (options.quick or options.only)
    output = options.output or (readme.RESULTS / f"{options.suite}.json" if complete else None)
    measure(options, output)
    return 0


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    result = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    result.add_argument("suite", choices=(*SUITES, "scale", "readme"))
    result.add_argument("--repeat", type=int, default=5, help="rounds at least (default 5)")
    result.add_argument("--quick", action="store_true", help="small data, to see that all runs")
    result.add_argument("--only", default="", help="tasks whose title contains this text")
    result.add_argument("--limit", type=float, default=60.0, help="seconds a slow peer may take")
    result.add_argument("--output", type=Path, help="where the JSON goes (a partial run: nowhere)")
    result.add_argument("--rows", type=int, default=50_000_000, help="rows of the suite scale")
    result.add_argument("--directory", type=Path, help="where its data are, or are drawn to")
    return result


def measure(options: argparse.Namespace, output: Path | None) -> None:
    """Run the suite, print the table, write the JSON."""
    records = SUITES[options.suite](options.repeat, options.quick, options.only, options.limit)
    document = next(records)
    document["tasks"] = []
    for record in records:
        print(f"measured: {record['task']}", file=sys.stderr)
        document["tasks"].append(record)
    print(table.text(document["tasks"]))
    print(table.measured_on(document["machine"]))
    if options.quick:
        print("Small data (--quick): these times say nothing about the sizes above.")
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(
            json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    sys.exit(main())
