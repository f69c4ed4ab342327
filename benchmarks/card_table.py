"""The result of a card as Markdown for the README."""

from __future__ import annotations

from typing import Any

from benchmarks.table import duration, multiple

Document = dict[str, Any]
PEERS = (
    "statdl, graph", "statdl, epoch", "statdl, TF32", "statdl, graph, TF32", "statdl, bf16",
    "statdl, graph, bf16", "PyTorch", "PyTorch, graph", "PyTorch, TF32", "PyTorch, graph, TF32",
    "PyTorch, bf16", "PyTorch, graph, bf16", "PyTorch L-BFGS", "scikit-learn", "statsmodels",
)  # fmt: skip
NOT_YET = "Not yet measured: `make gpu-check` on a machine with a card writes the table."


def markdown(document: Document | None) -> str:
    """Return the table with what it was measured on, or that it was not."""
    if document is None or not document.get("tasks"):
        return NOT_YET
    peers = [name for name in PEERS if any(name in one["times"] for one in document["tasks"])]
    head = " | ".join(("task", "floor", "statdl", *peers))
    lines = [f"| {head} |", "|---" * (3 + len(peers)) + "|"]
    lines += [_line(record, peers) for record in document["tasks"]]
    return "\n".join([*lines, "", _measured_on(document)])


def _line(record: Document, names: list[str]) -> str:
    times = record["times"]
    mine = times["statdl"]["min_s"]
    floor = times.get("floor", {}).get("min_s")
    steps = record.get("steps")
    each = "" if steps is None else f", {steps} steps"
    beside = "" if floor is None else f" ({multiple(mine / floor / (steps or 1))}{each})"
    peers = [
        f"{duration(times[name]['min_s'])} ({multiple(times[name]['min_s'] / mine)})"
        if name in times
        else "–"
        for name in names
    ]
    least = "–" if floor is None else duration(floor)
    cells = [record["task"], least, f"**{duration(mine)}{beside}**"]
    return f"| {' | '.join([*cells, *peers])} |"


def _measured_on(document: Document) -> str:
    card, machine, known = document["card"], document["machine"], document["ceilings"]
    parts = {
        name: found["rows"]
        for record in document["tasks"]
        for name, found in record.get("on_host", {}).items()
    }
    host = (
        " scikit-learn and statsmodels were timed on a part of the rows on "
        f"{machine['cores']} cores, and their times are for all rows in proportion."
        if parts
        else ""
    )
    return (
        f"Measured {machine['date']} on one {card['name']} (driver for CUDA {card['driver']}, CuPy "
        f"{card['cupy']}), which in the same run copied {known['bytes_s'] / 1e12:.2f} TB/s and "
        f"multiplied at {known['float64_s'] / 1e12:.0f} TFLOP/s in float64. Multiples in bold are "
        "of the floor (of one step, where there are steps), the others of statdl's time." + host
    )
