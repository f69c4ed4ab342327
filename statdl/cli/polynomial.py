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


class Degrees(click.ParamType):
    """Degrees to try: 1-15, or 1,5,15."""

    name = "degrees"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        """Return the numbers of a range, or those between commas."""
        if isinstance(value, tuple):
            return value
        ends = re.fullmatch(r"(\d+)-(\d+)", str(value))
        if ends is not None:
            return tuple(range(int(ends[1]), int(ends[2]) + 1))
        if re.fullmatch(r"\d+(,\d+)*", str(value)):
            return tuple(int(one) for one in str(value).split(","))
        self.fail(f"{value!r} is neither a range such as 1-15 nor a list such as 1,5,15.")


CHOICES = (
    click.option("--degrees", type=Degrees(), default="1-15", show_default=True,
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
    """
    report = taken(given, "report")["report"]
    check_outputs(report)
    rows = read_data(data, given)
    chosen = {name: one for name, one in given.items() if one is not None}
    study = sd.polynomial(formula, rows, **chosen)
    if report is not None:
        study.report(report)
    click.echo(str(study))
    return OK
