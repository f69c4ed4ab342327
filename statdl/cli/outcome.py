"""How the program ends: an exit code, and at most one sentence on standard error."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from statdl.errors import StatdlError, StatdlWarning
from statdl.report.characters import visible

OK = 0
REFUSED = 1  # the data, the formula, the model or a file: the sentence says what to do
USAGE = 2  # the command line itself
NOT_CONVERGED = 3  # output was written, of a fit that did not converge
DIFFERS = 4  # validate found numbers that do not agree
INTERNAL = 70  # a fault of statdl's own
INTERRUPTED = 130

#: What the help of the program says of its ends.
CODES = """\b
Exit codes
  0    done
  1    refused: the data, the formula, the model or a file; standard error says why
  2    the command line is not one of this program
  3    a fit did not converge; what was asked for is written
  4    validate: some quantities do not agree
  70   a fault of statdl's own
  130  interrupted
"""


def say(text: object) -> None:
    """Write a sentence to standard error, on one line."""
    print(f"statdl: {visible(' '.join(str(text).split()))}", file=sys.stderr)


def run(command: click.Command, arguments: Sequence[str] | None) -> int:
    """Run a command and return its exit code; every failure is one sentence and no traceback.

    With ``STATDL_TRACEBACK=1`` in the environment a fault of statdl's own shows where it was.
    """
    try:
        with _warnings_as_sentences():
            code: Any = command.main(
                None if arguments is None else list(arguments), "statdl", standalone_mode=False
            )
            sys.stdout.flush()
        return code if isinstance(code, int) else OK
    except (click.Abort, KeyboardInterrupt):
        say("interrupted.")
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return USAGE
    except click.UsageError as error:
        say(f"{error.format_message()} See: {_path(error)} --help")
        return USAGE
    except click.ClickException as error:
        say(error.format_message())
        return REFUSED
    except StatdlError as error:
        say(error)
        return REFUSED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the end
        return OK
    except OSError as error:
        say(f"{error.filename}: {error.strerror}." if error.filename else f"{error}.")
        return REFUSED
    except MemoryError:
        say("There is not enough memory for this.")
        return REFUSED
    except Exception as error:
        if os.environ.get("STATDL_TRACEBACK"):
            raise
        say(
            f"A fault of statdl's own, {type(error).__name__}: {error}. Please report it, with "
            "what STATDL_TRACEBACK=1 shows."
        )
        return INTERNAL


def _path(error: click.UsageError) -> str:
    return error.ctx.command_path if error.ctx is not None else "statdl"


@contextmanager
def _warnings_as_sentences() -> Iterator[None]:
    """Say our warnings, each once, and nobody else's."""
    said = set()

    def show(message: Any, category: Any, *_: Any, **__: Any) -> None:
        if issubclass(category, StatdlWarning) and str(message) not in said:
            said.add(str(message))
            say(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", StatdlWarning)
        warnings.showwarning = show
        yield
