"""``statdl predict``: new rows through a saved model."""

from __future__ import annotations

from typing import Any

import click

import statdl as sd
from statdl.cli.model import DATA, READING, check_outputs, options, read_data
from statdl.cli.outcome import OK
from statdl.cli.table import write_table
from statdl.errors import DataError
from statdl.lazy import lazy

pd = lazy("pandas")

CHOICES = (
    click.option("-o", "--output", type=click.Path(allow_dash=True), metavar="FILE",
                 help="CSV or .parquet; standard output unless given."),
    click.option("--type", "kind", type=click.Choice(["response", "link", "class", "terms"]),
                 default="response", show_default=True, help="What is predicted."),
    click.option("--se", is_flag=True, help="Add standard errors."),
    click.option("--interval", type=click.Choice(["confidence", "prediction"]),
                 help="Add limits."),
    click.option("--level", type=float, default=0.95, show_default=True,
                 help="Confidence level."),
    click.option("--with-data", is_flag=True, help="Put the columns of the data before."),
)  # fmt: skip


@click.command()
@click.argument("model", type=click.Path())
@options(DATA, *CHOICES, *READING)
def predict(model: str, data: str, **given: Any) -> int:
    """Predict the rows of DATA with the saved MODEL.

    \b
    statdl predict m.statdl new.csv -o out.csv
    statdl predict m.statdl new.csv --interval prediction --with-data

    One row is written for each row read, in its order; where a predictor is missing it is empty.
    """  # noqa: D301  # click's mark for lines as they are
    check_outputs(given["output"])
    found = sd.load(model)
    rows = read_data(data, given)
    shown = found.predict(
        rows, given["kind"], se_fit=given["se"], interval=given["interval"], level=given["level"]
    )
    frame = shown.to_frame("fit") if isinstance(shown, pd.Series) else shown
    if given["with_data"]:
        twice = [name for name in frame.columns if name in rows.columns]
        if twice:
            raise DataError(
                f"--with-data: the data have a column {twice[0]!r} already; rename it, or write "
                "the predictions alone."
            )
        frame = pd.concat([rows, frame], axis=1)
    write_table(frame, given["output"])
    return OK
