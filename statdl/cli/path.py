"""``statdl path``: a lasso, ridge or elastic net for a grid of λ, and the choice of λ."""

from __future__ import annotations

import json
import math
from typing import Any

import click

import statdl as sd
from statdl.cli.model import (
    DATA,
    FORMULA,
    READING,
    ROWS,
    check_outputs,
    options,
    read_data,
    taken,
)
from statdl.cli.outcome import OK

FAMILIES = ("gaussian", "binomial", "poisson", "multinomial")
MEASURES = ("deviance", "mse", "mae", "class", "auc")
CRITERIA = ("aic", "bic", "ebic", "gcv")
PENALTY = (
    click.option("--family", type=click.Choice(FAMILIES), default="gaussian", show_default=True),
    click.option("--alpha", type=float, default=1.0, show_default=True,
                 help="1 lasso, 0 ridge, between elastic net."),
    click.option("--lambda", "lambda_", type=float, multiple=True, metavar="LAMBDA",
                 help="A value of λ; give it again for more (a grid of 100)."),
    click.option("--groups", type=click.Choice(["terms"]),
                 help="Columns of a term, as of a factor, enter together."),
    click.option("--no-standardize", is_flag=True, help="Penalise columns in their own units."),
)  # fmt: skip
CHOICE = (
    click.option("--cv", "folds", type=int, metavar="FOLDS",
                 help="Choose λ by cross-validation in so many folds."),
    click.option("--measure", type=click.Choice(MEASURES), default="deviance", show_default=True,
                 help="What a fold is judged by."),
    click.option("--seed", type=int, default=0, show_default=True, help="Seed of the folds."),
    click.option("--workers", type=int, default=1, show_default=True, help="Folds at a time."),
    click.option("--at", metavar="LAMBDA", help="Print the coefficients at a number, at min or 1se "
                 "of --cv, or at the least aic, bic, ebic or gcv."),
    click.option("--report", metavar="FILE.html", type=click.Path(), help="Write a report."),
    click.option("--json", "as_json", is_flag=True, help="Print JSON."),
)  # fmt: skip


@click.command()
@options(FORMULA, DATA, *PENALTY, *CHOICE, *ROWS, *READING)
def path(formula: str, data: str, **given: Any) -> int:
    """Follow a penalised regression along its path, from all coefficients at 0.

    \b
    statdl path "mpg ~ ." cars.csv --at bic
    statdl path "mpg ~ ." cars.csv --cv 10 --at 1se --report path.html
    """  # noqa: D301  # click's mark for lines as they are
    shown = taken(given, "at", "report", "as_json")
    check_outputs(shown["report"])
    _check_choice(shown["at"], given["folds"])
    found = _followed(formula, read_data(data, given), given)
    strength = None if shown["at"] is None else _strength(found, shown["at"])
    if shown["report"] is not None:
        found.report(shown["report"])
    click.echo(_as_json(found, strength) if shown["as_json"] else _as_text(found, strength))
    return OK


def _check_choice(at: str | None, folds: int | None) -> None:
    """Refuse a λ that cannot be found, before anything is computed."""
    if at in ("min", "1se"):
        if folds is None:
            raise click.UsageError(f"--at {at} needs folds: add --cv 10.")
    elif at is not None and at not in CRITERIA:
        try:
            float(at)
        except ValueError:
            raise click.UsageError(
                f"--at {at} is no number, and none of min, 1se, {', '.join(CRITERIA)}."
            ) from None


def _followed(formula: str, rows: Any, given: dict[str, Any]) -> sd.Path | sd.CvPath:
    """Return the path, cross-validated where folds were asked for."""
    validation = taken(given, "folds", "measure", "seed", "workers")
    given["standardize"] = not given.pop("no_standardize")
    given["lambda_"] = given["lambda_"] or None
    chosen = {name: one for name, one in given.items() if one is not None}
    if validation["folds"] is None:
        return sd.path(formula, rows, **chosen)
    return sd.cv_path(formula, rows, **validation, **chosen)


def _whole(found: sd.Path | sd.CvPath) -> sd.Path:
    return found if isinstance(found, sd.Path) else found.path


def _strength(found: sd.Path | sd.CvPath, at: str) -> float:
    """Return the λ that was named."""
    if isinstance(found, sd.CvPath) and at in ("min", "1se"):
        return found.lambda_(at)
    return _whole(found).lambda_by(at) if at in CRITERIA else float(at)


def _as_text(found: sd.Path | sd.CvPath, strength: float | None) -> str:
    if strength is None:
        return str(found)
    table = _whole(found).coef(strength, exact=True).to_string()
    lines = [str(found)] if isinstance(found, sd.CvPath) else []
    return "\n\n".join([*lines, f"Coefficients at lambda {strength:.6g}\n{table}"])


def _as_json(found: sd.Path | sd.CvPath, strength: float | None) -> str:
    """Return what is known at each λ; of the one that was named the coefficients too."""
    whole = _whole(found)
    columns = dict(whole.table.columns)
    if isinstance(found, sd.CvPath):
        columns |= {
            found.validation.measure: found.validation.mean,
            "std err": found.validation.standard_error,
        }
    count = len(whole.lambdas)
    result: dict[str, Any] = {
        "path": [{name: _plain(one[k]) for name, one in columns.items()} for k in range(count)],
        "kkt": whole.kkt,
    }
    if isinstance(found, sd.CvPath):
        result |= {"lambda_min": found.lambda_min, "lambda_1se": found.lambda_1se}
    if strength is not None:
        coefficients = whole.coef(strength, exact=True).to_dict()
        result |= {"lambda": strength, "coefficients": coefficients}
    return json.dumps(result, indent=1, ensure_ascii=False)


def _plain(value: Any) -> float | None:
    """Return a number as JSON has it, null for what is not defined."""
    number = float(value)
    return number if math.isfinite(number) else None
