"""Everything statdl raises or warns.

Each message says what was wrong, where, and what to do next. Users can catch the whole
family with :class:`StatdlError`, or the built-in type they would expect (``ValueError``).
"""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Collection


class StatdlError(Exception):
    """Any error raised on purpose by statdl.

    Examples
    --------
    >>> import statdl as sd
    >>> try:
    ...     sd.lm("mpg ~ weight", data=sd.datasets.load("mtcars"))
    ... except sd.StatdlError as error:
    ...     print(type(error).__name__)
    FormulaError
    """


class FormulaError(StatdlError, ValueError):
    """A formula that cannot be read, or that asks for something formulas may not do.

    It shows the part of the formula, and names what could be written instead.
    """


class DataError(StatdlError, ValueError):
    """Data that do not fit the request: a column, level, length, type or value.

    It names the column, the level, or how many rows and the first of them.
    """


class ModelError(StatdlError, ValueError):
    """A combination of family, link, method or argument that has no meaning.

    It names the argument and lists what is possible.
    """


class NumericalError(StatdlError, ArithmeticError):
    """Arithmetic that could not be completed, such as a non-finite likelihood.

    It names the step that failed and what to change, such as the scale of columns.
    """


class NotPositiveDefiniteError(NumericalError):
    """A matrix that should be positive definite and is not.

    ``column`` is the first column at which the factorisation stopped, where it is known.
    """

    def __init__(self, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.column = column


class DeviceError(StatdlError, RuntimeError):
    """A device or array library that was asked for and cannot be used.

    It says what is missing: the package, the driver, the card, or memory.
    """


class MissingPackageError(StatdlError, ImportError):
    """A package that statdl does without until something is asked for that needs it.

    It has the line that installs it.
    """


class StatdlWarning(UserWarning):
    """Any warning issued by statdl."""


class RankWarning(StatdlWarning):
    """Columns that are exact combinations of others; their coefficients are not estimable.

    It names the columns; their coefficients are NaN, and predictions are unaffected.
    """


class ConvergenceWarning(StatdlWarning):
    """An estimate that was reported before the solver reached its tolerance.

    It says why the solver stopped and what to change. ``fit.convergence`` has the record.
    """


class SeparationWarning(StatdlWarning):
    """A response that predictors separate perfectly, so that no finite estimate exists.

    It names the variables and the end to which each coefficient runs; see :meth:`Fit.separation`.
    """


def close_words(word: str, known: Collection[str]) -> list[str]:
    """Return what is known that comes closest to a word, letters large or small; or nothing.

    Examples
    --------
    >>> close_words("Reponse", ("response", "link")), close_words("qqq", ("link",))
    (['response'], [])
    """
    lower = {one.lower(): one for one in known}
    return [lower[one] for one in difflib.get_close_matches(word.lower(), list(lower), n=1)]


def unknown_word(name: str, given: object, known: Collection[str]) -> ModelError:
    """Return the error for a word that ``name=`` does not know, with those that it does.

    Examples
    --------
    >>> print(unknown_word("type", "reponse", ("response", "link")))
    type='reponse' is not known; choose response or link. Did you mean 'response'?
    """
    choice = " or ".join(known) if len(known) < 3 else f"one of {', '.join(known)}"
    word = str(given)
    near = [one for one in known if len(word) > 2 and one.lower().startswith(word.lower())]
    near += close_words(word, known)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ModelError(f"{name}={given!r} is not known; choose {choice}.{hint}")


def warn(message: str, category: type[StatdlWarning]) -> None:
    """Warn, and show the line outside of statdl from which it was called."""
    frame, level, outermost = sys._getframe(1), 1, 1
    while frame.f_back is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] == "statdl":
            outermost = level
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=outermost + 2)
