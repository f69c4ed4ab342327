"""The program and its commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

import statdl as sd
from statdl.cli.compare import compare
from statdl.cli.demo import demo, devices
from statdl.cli.fit import fit
from statdl.cli.outcome import CODES, run
from statdl.cli.path import path
from statdl.cli.polynomial import polynomial
from statdl.cli.predict import predict
from statdl.cli.validate import validate

COMPLETION = """\b
Completion of commands and options
  bash  eval "$(_STATDL_COMPLETE=bash_source statdl)"    in ~/.bashrc
  zsh   eval "$(_STATDL_COMPLETE=zsh_source statdl)"     in ~/.zshrc
  fish  _STATDL_COMPLETE=fish_source statdl | source     in ~/.config/fish/config.fish
"""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"{CODES}\n\n{COMPLETION}",
)
@click.version_option(sd.__version__, prog_name="statdl")
def program() -> None:
    """Statistical models and neural networks as one likelihood.

    \b
    statdl fit lm "mpg ~ wt + hp" cars.csv --save m.statdl --report cars.html
    statdl predict m.statdl new.csv -o out.csv

    Results go to standard output, all else to standard error.
    """  # noqa: D301  # click's mark for lines as they are


for command in (fit, predict, compare, path, polynomial, validate, demo, devices):
    program.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and end the process with its exit code."""
    sys.exit(run(program, arguments))
