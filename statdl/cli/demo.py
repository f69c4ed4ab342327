"""``statdl demo`` and ``statdl devices``."""

from __future__ import annotations

import click

import statdl as sd
from statdl.cli.model import check_outputs
from statdl.cli.outcome import OK


@click.command()
@click.option("--report", metavar="FILE.html", type=click.Path(), help="Write the report of one.")
def demo(report: str | None) -> int:
    """Show one likelihood in four models, on data that come with statdl."""
    check_outputs(report)
    cars = sd.datasets.load("mtcars")
    _heading("A linear regression: fuel consumption of 32 cars")
    line = sd.lm("mpg ~ wt + hp", data=cars)
    click.echo(str(line.summary()))
    _heading("The same likelihood with a hidden layer, beside it")
    net = sd.mlp("mpg ~ wt + hp", data=cars, hidden=2, decay=0.1)
    click.echo(str(sd.compare(line, net)))
    _heading("A logistic regression: which cars have a manual gearbox")
    click.echo(str(sd.glm("am ~ wt", data=cars, family="binomial").summary()))
    _heading("A softmax regression: how satisfied 1,681 tenants are")
    housing = sd.datasets.load("housing")
    tenants = sd.multinom("Sat ~ Infl + Type + Cont", data=housing, weights="Freq")
    click.echo(str(tenants.summary()))
    if report is not None:
        line.report(report)
    return OK


def _heading(text: str) -> None:
    click.echo(f"\n{text}\n{'─' * len(text)}")


@click.command()
def devices() -> int:
    """Show what fits can run on here, and why not on the rest."""
    click.echo(str(sd.devices()))
    return OK
