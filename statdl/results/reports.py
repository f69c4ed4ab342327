"""A fit as a report: one HTML file."""

from __future__ import annotations

import inspect
import os
from typing import Any

from statdl.errors import DataError
from statdl.infer.goodness import Goodness
from statdl.lazy import lazy
from statdl.report import page
from statdl.results.held import Call
from statdl.results.inference import Inference

parity = lazy("statdl.study.parity")

#: Longest text of an argument that is shown.
LONGEST = 120


class Reports(Inference):
    """What can be handed to others."""

    def report(
        self,
        path: str | os.PathLike[str],
        *,
        title: str | None = None,
        level: float = 0.95,
        vcov: Any = None,
        cluster: Any = None,
        validate: bool = False,
    ) -> None:
        """Write a report: one HTML file that opens anywhere and needs no other.

        It has the call and the data, the summary, sentences that read it, pictures with alternative
        text (where matplotlib is installed), diagnostics, and the versions of what it was made
        with; for light and dark screens and for paper. Sentences are made from the numbers: where
        p is not below 1 − ``level`` they say that the data are compatible with no difference, and
        of estimates that are no maximum, or are shrunk, they read no tests.

        Parameters
        ----------
        path
            The file, which is written in one piece or not at all.
        title : str, optional
            By default the kind of model, and the response.
        level : float
            Confidence level of intervals, and 1 − the level of tests.
        vcov, cluster : optional
            The covariance behind errors and tests, as for :meth:`vcov`.
        validate : bool
            Add the table of parity: the same model by statsmodels and scikit-learn, as by
            :func:`statdl.validate`.

        Raises
        ------
        ModelError
            With ``validate=True`` for what cannot be validated, such as a network.
        OSError
            Where the file cannot be written; an older one is then as it was.

        Examples
        --------
        >>> import statdl as sd, os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "cars.html")
        >>> sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars")).report(path)
        >>> open(path, encoding="utf-8").read(15)
        '<!DOCTYPE html>'
        """
        fit = self.with_covariance(vcov, cluster)
        further = []
        if validate:
            table = parity.parity(fit.estimate)
            further.append(page.Section("Parity", (page.Shown(table.document()),)))
        page.write_page(
            path,
            page.fit_page(
                Goodness(fit.estimate),
                fit.label,
                call_text(fit.call),
                title=title,
                level=level,
                device=_device(fit),
                further=tuple(further),
            ),
        )


def _device(fit: Reports) -> str:
    try:
        return fit.device
    except DataError:  # a fit from a file ran elsewhere
        return ""


def call_text(call: Call) -> str:
    """Return the code of a call: its arguments that are not the defaults; data by their shape.

    Examples
    --------
    >>> import statdl as sd
    >>> print(call_text(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"), method="newton").call))
    lm('mpg ~ wt', data=<DataFrame of 32 × 11>, method='newton')
    """
    name = call.front.__name__
    if call.arguments is None:
        return f"{name}(…)  # loaded from a file"
    shown = []
    for key, parameter in inspect.signature(call.front).parameters.items():
        given = call.arguments.get(key)
        if given is None or _same(given, parameter.default):
            continue
        shown.append(_shown(given) if key == "formula" else f"{key}={_shown(given)}")
    line = f"{name}({', '.join(shown)})"
    return line if len(line) <= 100 else f"{name}(\n    " + ",\n    ".join(shown) + ",\n)"


def _same(given: Any, default: Any) -> bool:
    plain = isinstance(given, str | int | float | bool | tuple)
    return plain and type(given) is type(default) and given == default


def _shown(given: Any) -> str:
    shape = getattr(given, "shape", None)
    if isinstance(shape, tuple):
        return f"<{type(given).__name__} of {' × '.join(map(str, shape))}>"
    if isinstance(given, dict | list) and len(repr(given)) > LONGEST:
        return f"<{type(given).__name__} of {len(given)}>"
    text = repr(given)
    return text if len(text) <= LONGEST or isinstance(given, str) else f"{text[:LONGEST]}…"
