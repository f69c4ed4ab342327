"""``statdl validate``: the same model by other packages."""

from __future__ import annotations

from typing import Any

import click

import statdl as sd
from statdl.cli.model import FRONTS, INFERENCE, fitted, model_options, options, read_data, taken
from statdl.cli.outcome import DIFFERS, OK


@click.group()
def validate() -> None:
    """Fit with statsmodels and scikit-learn too, and compare every quantity.

    \b
    statdl validate glm "am ~ wt" cars.csv --family binomial

    The exit code is 4 where something does not agree.
    """  # noqa: D301  # click's mark for lines as they are


def _add(front: str) -> None:
    @validate.command(front, help=f"Validate {FRONTS[front]}.")
    @model_options(front)
    @options(*INFERENCE[:2])
    def command(formula: str, data: str, **given: Any) -> int:
        inference = taken(given, "vcov", "cluster")
        found = sd.validate(fitted(front, formula, read_data(data, given), given), **inference)
        click.echo(str(found))
        return OK if found.agrees else DIFFERS


for _front in FRONTS:
    if _front != "mlp":
        _add(_front)
