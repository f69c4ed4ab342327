"""Small data sets that come with the package, for examples, teaching and tests.

Each is a CSV file in ``data/``; ``provenance.toml`` says who published it, under what terms,
what its columns mean, and the order of the levels of its factors.

Examples
--------
>>> import statdl as sd
>>> sd.datasets.load("mtcars").shape
(32, 11)
"""

from __future__ import annotations

from typing import Any

from statdl.errors import DataError, close_words
from statdl.lazy import lazy

pd = lazy("pandas")
resources = lazy("importlib.resources")
textwrap = lazy("textwrap")
tomllib = lazy("tomllib")

__all__ = ["describe", "load", "names"]


def load(name: str) -> Any:
    """Return a data set as a new pandas frame; factors are Categorical in their level order.

    Raises :class:`~statdl.errors.DataError` for a name that is not in :func:`names`.

    Examples
    --------
    >>> cars = load("mtcars")
    >>> cars.shape, cars.index[0]
    ((32, 11), 'Mazda RX4')
    >>> list(load("warpbreaks")["tension"].cat.categories)
    ['L', 'M', 'H']
    """
    entry = _entry(name)
    levels = entry.get("levels", {})
    with _folder().joinpath("data", f"{name}.csv").open(encoding="utf-8") as file:
        frame = pd.read_csv(file, index_col=entry.get("index"), dtype=dict.fromkeys(levels, str))
    for column, order in levels.items():
        frame[column] = pd.Categorical(frame[column], categories=order)
    return frame


def names() -> tuple[str, ...]:
    """Return the names of the data sets, in alphabetical order.

    Examples
    --------
    >>> "iris" in names()
    True
    """
    return tuple(sorted(_provenance(), key=str.lower))


def describe(name: str) -> str:
    """Return what a data set is, where it comes from, and what its columns mean.

    Raises :class:`~statdl.errors.DataError` for a name that is not in :func:`names`.

    Examples
    --------
    >>> print(describe("hours"))
    hours: Nine test scores against hours of study
    9 rows, 2 columns
    <BLANKLINE>
      hours  time of study, hours
      score  test score, points
    <BLANKLINE>
    Source:  a worked example of lecture notes on regression and gradient descent
    Through: typed from the notes
    Terms:   made-up numbers, free to use
    """
    entry = _entry(name)
    rows, columns = load(name).shape
    return "\n".join(
        [
            _wrapped(f"{name}: ", entry["title"]),
            f"{rows} rows, {columns} columns" + _label_note(entry),
            "",
            *_column_lines(entry),
            "",
            _wrapped("Source:  ", entry["source"]),
            _wrapped("Through: ", entry["via"]),
            _wrapped("Terms:   ", entry["license"]),
        ]
    )


def _label_note(entry: dict[str, Any]) -> str:
    return f", rows labelled by {entry['index']}" if "index" in entry else ""


def _column_lines(entry: dict[str, Any]) -> list[str]:
    columns = entry["columns"]
    width = max(map(len, columns))
    levels = entry.get("levels", {})
    return [
        _wrapped(f"  {column:{width}}  ", meaning + _level_note(levels.get(column)))
        for column, meaning in columns.items()
    ]


def _level_note(order: list[str] | None) -> str:
    return f" [{', '.join(order)}]" if order else ""


def _wrapped(head: str, text: str) -> str:
    filled: str = textwrap.fill(
        text, width=100, initial_indent=head, subsequent_indent=" " * len(head)
    )
    return filled


def _entry(name: str) -> dict[str, Any]:
    known = _provenance()
    if name not in known:
        raise DataError(
            f"there is no data set {name!r}.{_did_you_mean(str(name))} "
            f"The data sets are: {', '.join(names())}."
        )
    entry: dict[str, Any] = known[name]
    return entry


def _did_you_mean(name: str) -> str:
    close = close_words(name, names())
    return f" Did you mean {close[0]!r}?" if close else ""


def _provenance() -> dict[str, Any]:
    text = _folder().joinpath("provenance.toml").read_text(encoding="utf-8")
    entries: dict[str, Any] = tomllib.loads(text)
    return entries


def _folder() -> Any:
    return resources.files(__name__)
