"""The options that make a model, and the fit they make."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

import statdl as sd
from statdl.cli.table import check_folder, read_table
from statdl.errors import DataError

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Any], Any]

#: What each front door is, for its help.
FRONTS = {
    "lm": "a linear regression",
    "glm": "a generalised linear model",
    "multinom": "a multinomial (softmax) regression",
    "mlp": "a multilayer perceptron",
}

DATA = click.argument("data", type=click.Path(allow_dash=True))
FORMULA = click.argument("formula")

READING = (
    click.option("--separator", metavar="CHAR", help="What separates fields (sniffed)."),
    click.option("--decimal", type=click.Choice([".", ","]), help="The decimal point (sniffed)."),
    click.option("--encoding", help="The encoding, such as cp949 (sniffed)."),
)
ROWS = (
    click.option("--weights", metavar="COLUMN", help="Prior weights."),
    click.option("--offset", metavar="COLUMN", help="A part of η with coefficient 1."),
    click.option("--subset", metavar="CONDITION", help="Rows to use, such as 'wt > 3'."),
    click.option(
        "--na-action", type=click.Choice(["drop", "raise"]), help="Rows with missing values."
    ),
)
COMPUTING = (
    click.option("--method", help="The solver, such as newton, lbfgs or gd."),
    click.option("--device", type=click.Choice(["cpu", "cuda"]), help="Where to compute."),
    click.option("--dtype", type=click.Choice(["float32", "float64"]), help="Precision."),
)
PENALTY = click.option("--penalty", type=float, help="λ of weight decay, ½ λ Σ β².")
REFERENCE = click.option("--reference", metavar="CLASS", help="The class compared with.")
BIAS = click.option(
    "--bias-reduction", is_flag=True, default=None, help="Firth's penalised likelihood."
)
FAMILY = click.option("--family", help="binomial, poisson, gamma, gaussian, …")
LINK = click.option("--link", help="logit, probit, log, identity, …")


def layers(text: str) -> tuple[int, ...]:
    """Return the units of hidden layers: 8, or 8,4 for two."""
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise click.BadParameter(f"{text!r} is no list of units such as 8 or 8,4.")
    return tuple(map(int, text.split(",")))


NETWORK = (
    click.option("--hidden", type=layers, metavar="8,4", help="Units of each hidden layer."),
    click.option("--activation", help="tanh, relu, sigmoid, … of the hidden units."),
    click.option("--decay", type=float, help="λ of weight decay."),
    click.option("--restarts", type=int, help="Random starts, of which the best is kept."),
    click.option("--seed", type=int, help="Seed of the starts."),
)
TRAINING = (
    click.option("--epochs", type=int, help="Train by Adam for so many passes over the rows."),
    click.option("--batch", type=int, help="Rows a step of training; 32 unless given."),
    click.option("--learning-rate", type=float, help="Adam's; 0.001 unless given."),
    click.option("--dropout", type=float, help="Share of units left out in training."),
    click.option(
        "--normalisation", type=click.Choice(["batch", "layer", "weight"]), help="Of hidden layers."
    ),
    click.option("--validation", type=float, metavar="SHARE", help="Rows watched, as 0.2."),
    click.option(
        "--early-stopping", type=int, metavar="EPOCHS", help="Stop without a better one so long."
    ),
)
SPECIFIC: Mapping[str, tuple[Decorator, ...]] = {
    "lm": (PENALTY,),
    "glm": (FAMILY, LINK, REFERENCE, PENALTY, BIAS),
    "multinom": (REFERENCE, PENALTY, BIAS),
    "mlp": (FAMILY, LINK, REFERENCE, *NETWORK),
}
INFERENCE = (
    click.option("--vcov", metavar="KIND", help="The covariance, such as HC3."),
    click.option("--cluster", metavar="COLUMN", help="Rows that belong together."),
    click.option("--level", type=float, default=0.95, show_default=True, help="Confidence level."),
)


def options(*decorators: Decorator) -> Callable[[Command], Command]:
    """Give a command options, in the order in which its help is to list them."""

    def decorate(function: Command) -> Command:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def model_options(front: str) -> Callable[[Command], Command]:
    """Give a command what makes a model: formula, data, and the options of the front door."""
    training = TRAINING if front == "mlp" else ()
    return options(FORMULA, DATA, *SPECIFIC[front], *training, *ROWS, *COMPUTING, *READING)


def taken(given: dict[str, Any], *names: str) -> dict[str, Any]:
    """Take options out of those given, by name."""
    return {name: given.pop(name) for name in names if name in given}


def read_data(path: str, given: dict[str, Any]) -> Any:
    """Return the data, as the options of reading say."""
    return read_table(path, **taken(given, "separator", "decimal", "encoding"))


def fitted(front: str, formula: str, data: Any, given: Mapping[str, Any]) -> sd.Fit:
    """Return the fit; options that were not given are left to the front door."""
    chosen = trained({name: value for name, value in given.items() if value is not None})
    fit: sd.Fit = getattr(sd, front)(formula, data, **chosen)
    return fit


def trained(given: dict[str, Any]) -> dict[str, Any]:
    """Return options with those of training by batches as the method that they make."""
    wishes = taken(given, "epochs", "batch", "learning_rate")
    if not wishes:
        return given
    if given.get("method", "adam") != "adam":
        said = ", ".join(f"--{name.replace('_', '-')}" for name in wishes)
        raise click.UsageError(f"{said} train by Adam, and --method {given['method']} does not.")
    rate = wishes.pop("learning_rate", 1e-3)
    method = sd.GradientDescent(sd.Adam(rate), **{"batch": 32, **wishes})
    return {**given, "method": method}


def check_outputs(*paths: str | None) -> None:
    """Refuse outputs that cannot be written, or twice, before anything is computed."""
    named = [path for path in paths if path is not None]
    for path in named:
        check_folder(path)
    if len(set(named)) < len(named):
        raise DataError(f"{named[0]} is named for two outputs.")
