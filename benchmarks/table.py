"""A result as text for the terminal and as Markdown for the README."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Record = dict[str, Any]
#: What times are multiples of, where there is one.
BASES = ("floor", "one fit")
OURS = ("statdl", "statdl, no numba", "statdl, glmnet's accuracy")
PEERS = ("a loop", "statsmodels", "PyTorch", "scikit-learn", "R", "glmnet", "glmnet, accurate")
COLUMNS = (*BASES, *OURS, *PEERS)
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them, with two digits or more.

    Examples
    --------
    >>> duration(0.0541), duration(1.3), duration(0.00021)
    ('54 ms', '1.3 s', '210 µs')
    """
    size, unit = next((pair for pair in UNITS if seconds >= pair[0]), UNITS[-1])
    return f"{digits(seconds / size)} {unit}"


def digits(value: float) -> str:
    """Two digits, or all of a whole number from 10 on."""
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def multiple(ratio: float) -> str:
    """A ratio with its sign of multiplication.

    Examples
    --------
    >>> multiple(1.52), multiple(20.6)
    ('1.5 ×', '21 ×')
    """
    return f"{digits(ratio)} ×"


def cell(record: Record, name: str) -> str:
    """A contender's least time, and its multiple: of the floor, or of statdl's time."""
    times = record["times"]
    if name not in times:
        return "–"
    seconds = times[name]["min_s"]
    off = record.get("violations", {}).get(name)
    if off is not None:  # how accurate it is belongs to the time of a path
        return f"{duration(seconds)} ({off:.0e})"
    if "peers" in record.get("goal", {}) and name != "statdl":
        return f"{duration(seconds)} ({multiple(seconds / times['statdl']['min_s'])})"
    base = next((base for base in BASES if base in times), name)
    if name == base:
        return duration(seconds)
    return f"{duration(seconds)} ({multiple(seconds / times[base]['min_s'])})"


def goal(record: Record) -> str:
    """What must be reached, and whether it was."""
    wanted = record["goal"]
    if "peers" in wanted:
        asked = ", ".join(f"{name} ≥ {multiple(ratio)}" for name, ratio in wanted["peers"].items())
        return f"{asked} {'yes' if record['met'] else 'NO'}"
    if "megabytes" in wanted:
        met = "yes" if record["met"] else "NO"
        return f"≤ {wanted['megabytes']:.0f} MB {met}, {record['megabytes']:.0f} MB"
    times_floor, seconds = wanted["times_floor"], wanted["seconds"]
    text = duration(seconds) if times_floor is None else multiple(times_floor)
    return f"≤ {text} {'yes' if record['met'] else 'NO'}"


def versus(record: Record) -> str:
    """How many times as long as statdl each peer takes."""
    times = record["times"]
    mine = times["statdl"]["min_s"]
    peers = [name for name in PEERS if name in times]
    return ", ".join(f"{name} {multiple(times[name]['min_s'] / mine)}" for name in peers) or "–"


def text(records: Sequence[Record]) -> str:
    """The table for the terminal: times, multiples of the floor, ratio of each peer to statdl."""
    names = _present(records)
    header = ("task", *names, "goal", "peers / statdl", "agreement")
    rows = [header]
    for record in records:
        agrees = record["agreement"]
        rows.append(
            (
                record["task"],
                *(cell(record, name) for name in names),
                goal(record),
                versus(record),
                "–" if agrees is None else f"{agrees['params']:.0e}, {agrees['bse']:.0e}",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _present(records: Sequence[Record]) -> list[str]:
    """The columns that some record has a time in."""
    return [name for name in COLUMNS if any(name in record["times"] for record in records)]


def markdown(document: Record) -> str:
    """The table for the README, with what it was measured on below it."""
    names = _present(document["tasks"])
    lines = [f"| task | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for record in document["tasks"]:
        cells = [cell(record, name) for name in names]
        cells[names.index("statdl")] = f"**{cell(record, 'statdl')}**"
        lines.append(f"| {record['task']} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", measured_on(document["machine"])])


def scale_markdown(document: Record) -> str:
    """The table of the suite scale for the README: one line a run."""
    lines = ["| task | by | time | largest memory | passes |", "|---|---|---|---|---|"]
    for task in document["tasks"]:
        for name, run in task["runs"].items():
            if "skipped" in run:
                continue
            time = duration(run["seconds"])
            cells = (
                task["task"],
                "pyarrow" if name == "floor" else name,
                f"**{time}**" if name == "statdl" else time,
                f"{run['megabytes']:,.0f} MB",
                str(run.get("passes", "–")),
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", measured_on(document["machine"])])


def measured_on(machine: dict[str, Any]) -> str:
    """One sentence on machine, versions and day."""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return (
        f"Measured {machine['date']} on {machine['cores']} cores of {machine['cpu']}: "
        f"Python {machine['python']}, {versions}."
    )
