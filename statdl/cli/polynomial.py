"""``statdl polynomial``: how high a degree the data bear."""

from __future__ import annotations

import re
from typing import Any

import click

import statdl as sd
from statdl.cli.model import (
    DATA,
    FAMILY,
    FORMULA,
    LINK,
    READING,
    ROWS,
    check_outputs,
    options,
    read_data,
    taken,
)
from statdl.cli.outcome import OK


def degrees(text: str) -> tuple[int, ...]:
    """Return degrees to try: those of a range, 1-15, or of a list, 1,5,15."""
    ends = re.fullmatch(r"(\d+)-(\d+)", text)
    if ends is not None:
        return tuple(range(int(ends[1]), int(ends[2]) + 1))
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise click.BadParameter(
            f"{text!r} is neither a range such as 1-15 nor a list such as 1,5,15."
        )
    return tuple(map(int, text.split(",")))


CHOICES = (
    click.option("--degrees", type=degrees, metavar="1-15", default="1-15", show_default=True,
                 help="Degrees to try."),
    click.option("--variable", metavar="COLUMN", help="The column to take powers of."),
    click.option("--validation", type=click.Choice(["kfold", "loo", "split"]), default="kfold",
                 show_default=True, help="How rows are held out."),
    click.option("--folds", type=int, default=10, show_default=True, help="Folds of kfold."),
    click.option("--seed", type=int, default=0, show_default=True, help="Seed of the folds."),
    click.option("--report", metavar="FILE.html", type=click.Path(), help="Write a report."),
)  # fmt: skip


@click.command()
@options(FORMULA, DATA, *CHOICES, FAMILY, LINK, *ROWS, *READING)
def polynomial(formula: str, data: str, **given: Any) -> int:
    """Fit polynomials of rising degree and judge each on rows held out.

    \b
    statdl polynomial "mpg ~ wt" cars.csv --degrees 1-6
    """  # noqa: D301  # click's mark for lines as they are
    report = taken(given, "report")["report"]
    check_outputs(report)
    rows = read_data(data, given)
    chosen = {name: one for name, one in given.items() if one is not None}
    study = sd.polynomial(formula, rows, **chosen)
    if report is not None:
        study.report(report)
    click.echo(str(study))
    return OK
