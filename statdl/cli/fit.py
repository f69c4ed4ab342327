"""``statdl fit``: a model, its summary, and files of it."""

from __future__ import annotations

import json
import math
from typing import Any

import click

import statdl as sd
from statdl.cli.model import (
    FRONTS,
    INFERENCE,
    check_outputs,
    fitted,
    model_options,
    options,
    read_data,
    taken,
)
from statdl.cli.outcome import NOT_CONVERGED, OK

OUTPUTS = (
    click.option("--save", metavar="FILE.statdl", type=click.Path(), help="Save the fit."),
    click.option("--report", metavar="FILE.html", type=click.Path(), help="Write a report."),
    click.option("--validate", is_flag=True, help="Add the table of parity to the report."),
    click.option("--json", "as_json", is_flag=True, help="Print JSON in place of the summary."),
    click.option("-q", "--quiet", is_flag=True, help="Print no summary."),
)


@click.group()
def fit() -> None:
    """Fit a model to a table and print its summary.

    \b
    statdl fit lm "mpg ~ wt + hp" cars.csv
    statdl fit glm "am ~ wt" cars.csv --family binomial --report am.html
    statdl fit mlp "mpg ~ wt + hp" cars.csv --hidden 4 --decay 0.1 --save net.statdl
    cat cars.csv | statdl fit lm "mpg ~ wt" - --json

    DATA is CSV (separator, decimal point and encoding are sniffed) or Parquet; - is standard input.
    """  # noqa: D301  # click's mark for lines as they are


def _add(front: str) -> None:
    @fit.command(front, help=f"Fit {FRONTS[front]}.", short_help=f"Fit {FRONTS[front]}.")
    @model_options(front)
    @options(*INFERENCE, *OUTPUTS)
    def command(formula: str, data: str, **given: Any) -> int:
        return _fit(front, formula, data, given)


for _front in FRONTS:
    _add(_front)


def _fit(front: str, formula: str, path: str, given: dict[str, Any]) -> int:
    shown = taken(given, "save", "report", "validate", "as_json", "quiet")
    inference = taken(given, "level", "vcov", "cluster")
    if shown["validate"] and shown["report"] is None:
        raise click.UsageError("--validate is for --report; or use: statdl validate.")
    check_outputs(shown["save"], shown["report"])
    found = fitted(front, formula, read_data(path, given), given)
    chosen = found.with_covariance(inference["vcov"], inference["cluster"])
    summary = chosen.summary(level=inference["level"])
    if shown["save"] is not None:
        found.save(shown["save"])
    if shown["report"] is not None:
        chosen.report(shown["report"], level=inference["level"], validate=shown["validate"])
    if shown["as_json"]:
        click.echo(json.dumps(as_json(chosen, inference["level"]), ensure_ascii=False, indent=2))
    elif not shown["quiet"]:
        click.echo(str(summary))
    return OK if found.converged else NOT_CONVERGED


def as_json(fit: sd.Fit, level: float) -> dict[str, Any]:
    """Return a fit as what JSON can hold: NaN and infinities are null.

    ``estimates`` has broom's columns, of coefficients, or of a network's average effects.
    """
    network = isinstance(fit, sd.NetworkFit)
    glance = fit.glance().to_dict("records")[0]
    return {
        "model": fit.call.front.__name__,
        "formula": fit.formula,
        "family": fit.family.name,
        "link": fit.family.link.name,
        "levels": [str(one) for one in fit.levels],
        "converged": fit.converged,
        "outcome": fit.convergence.message,
        "covariance": fit.cov_type,
        "level": level,
        "measures": _plain(glance),
        "of": "average marginal effects" if network else "coefficients",
        "estimates": [
            _plain(row) for row in fit.tidy(conf_int=True, level=level).to_dict("records")
        ],
        "notes": list(fit.summary(level=level).notes),
        "statdl": sd.__version__,
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(one, float) and not math.isfinite(one) else _number(one)
        for name, one in row.items()
    }


def _number(one: Any) -> Any:
    return one.item() if hasattr(one, "item") else one
