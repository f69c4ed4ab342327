"""statdl with all that a reader of the result looks at: estimates, errors, p-values, intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import statdl as sd
from benchmarks.data import Data


def inference(fit: Any) -> tuple[Any, Any]:
    """Ask for all of it; return estimates and standard errors."""
    _ = fit.pvalues, fit.conf_int()
    return np.asarray(fit.params), np.asarray(fit.bse)


def lm(data: Data) -> Callable[[], Any]:
    """Least squares."""
    return lambda: inference(sd.lm(X=data.X, y=data.y))


def lm_text(data: Data) -> Callable[[], Any]:
    """Least squares and the summary as text."""
    return lambda: str(sd.lm(X=data.X, y=data.y).summary())


def logit(data: Data) -> Callable[[], Any]:
    """Logistic regression."""
    return lambda: inference(sd.glm(X=data.X, y=data.y, family="binomial"))


def softmax(data: Data) -> Callable[[], Any]:
    """Softmax regression."""
    y = data.y.astype(int)
    return lambda: inference(sd.multinom(X=data.X, y=y))
