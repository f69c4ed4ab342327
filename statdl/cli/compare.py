"""``statdl compare``: models of one response side by side."""

from __future__ import annotations

import re
from typing import Any

import click

import statdl as sd
from statdl.cli.model import (
    BIAS,
    COMPUTING,
    DATA,
    FAMILY,
    FRONTS,
    LINK,
    NETWORK,
    PENALTY,
    READING,
    REFERENCE,
    ROWS,
    SPECIFIC,
    check_outputs,
    fitted,
    options,
    read_data,
    taken,
)
from statdl.cli.outcome import NOT_CONVERGED, OK
from statdl.cli.table import read_table
from statdl.report.regression import SHOWN

#: Options that only some front doors have, and those that have them.
_OWNED = {
    name: {front for front, own in SPECIFIC.items() if option in own}
    for name, option in (
        ("family", FAMILY), ("link", LINK), ("reference", REFERENCE), ("penalty", PENALTY),
        ("bias_reduction", BIAS),
        *zip(("hidden", "activation", "decay", "restarts", "seed"), NETWORK, strict=True),
    )
}  # fmt: skip
_MODEL = re.compile(rf"\s*({'|'.join(FRONTS)})\s*:(.*)", re.DOTALL)


@click.command()
@click.argument("models", nargs=-1, required=True)
@options(DATA, FAMILY, LINK, REFERENCE, PENALTY, BIAS, *NETWORK, *ROWS, *COMPUTING, *READING)
@click.option("--validation", metavar="FILE", type=click.Path(), help="Rows to score them on.")
@click.option(
    "--what",
    type=click.Choice(SHOWN),
    help="What the rows are; effects where a model is a network.",
)
@click.option("--stars", is_flag=True, help="Mark small p-values.")
@click.option("--report", metavar="FILE.html", type=click.Path(), help="Write a report.")
def compare(models: tuple[str, ...], data: str, **given: Any) -> int:
    """Fit MODELS to DATA and print them side by side.

    A model is a formula, fitted by lm (by glm with --family), or names its front door before it:

    \b
    statdl compare "mpg ~ wt" "mpg ~ wt + hp" "mlp: mpg ~ wt + hp" cars.csv --hidden 2
    statdl compare --family binomial "am ~ wt" "am ~ wt + hp" cars.csv

    An option goes to the models that have it.
    """  # noqa: D301  # click's mark for lines as they are
    shown = taken(given, "validation", "what", "stars", "report")
    check_outputs(shown["report"])
    reading = {name: given[name] for name in ("separator", "decimal", "encoding")}
    rows = read_data(data, given)
    validation = None
    if shown["validation"] is not None:
        validation = read_table(shown["validation"], **reading)
    default = "lm" if given.get("family") is None else "glm"
    fits = [_fitted(model, default, rows, given) for model in models]
    table = sd.compare(*fits, data=validation, what=shown["what"], stars=shown["stars"])
    if shown["report"] is not None:
        table.report(shown["report"])
    click.echo(str(table))
    return OK if all(one.converged for one in fits) else NOT_CONVERGED


def _fitted(model: str, default: str, rows: Any, given: dict[str, Any]) -> sd.Fit:
    named = _MODEL.fullmatch(model)
    front, formula = (named[1], named[2]) if named else (default, model)
    own = {name: one for name, one in given.items() if front in _OWNED.get(name, {front})}
    return fitted(front, formula.strip(), rows, own)
