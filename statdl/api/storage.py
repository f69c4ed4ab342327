"""The front door for fits in files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from statdl.api.network import mlp
from statdl.api.path import path as regularized
from statdl.api.regression import glm, lm, multinom
from statdl.errors import DataError
from statdl.results import Call, Fit, NetworkFit
from statdl.storage import read_fit

FRONTS: Mapping[str, Callable[..., Any]] = {
    "lm": lm, "glm": glm, "multinom": multinom, "mlp": mlp, "path": regularized,
}  # fmt: skip


def load(path: str | os.PathLike[str]) -> Fit:
    """Load a fit that :meth:`Fit.save` wrote.

    Nothing in the file is run: it holds numbers and text, each checked before it is used, and its
    formula passes the same gate as one you type. It has no rows of the data, so that predictions
    need ``newdata=``, and a fit made on a GPU loads without one.

    Raises
    ------
    DataError
        Where the file is no saved model, is damaged, altered, or of a newer version.
    OSError
        Where there is no such file.

    Examples
    --------
    >>> import statdl as sd, os, tempfile
    >>> cars = sd.datasets.load("mtcars")
    >>> path = os.path.join(tempfile.mkdtemp(), "model.statdl")
    >>> sd.lm("mpg ~ wt + factor(cyl)", data=cars).save(path)
    >>> fit = sd.load(path)
    >>> [round(float(value), 2) for value in fit.predict({"wt": [3.0], "cyl": [4]})]
    [24.37]
    """
    front, estimate = read_fit(path)
    if front not in FRONTS:
        raise DataError(f"{os.fspath(path)!r} cannot be loaded: {front!r:.40} is no model here.")
    kind = Fit if estimate.specification.plan is None else NetworkFit
    return kind(estimate, Call(FRONTS[front], None))
