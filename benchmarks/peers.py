"""Other packages on the same data: statsmodels with the same inference, scikit-learn without, R.

Each function returns contenders for the packages that are installed. Constant columns are added
outside the timed part, and integer labels made there, so that peers are timed at their best.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import Data
from benchmarks.timing import Contender, clocked

STATSMODELS, SKLEARN, R = "statsmodels", "scikit-learn", "R"
#: statdl's own fits, one after the other.
LOOP = "a loop"


def lm(data: Data) -> list[Contender]:
    """Least squares."""

    def ols(sm: Any) -> Any:
        return inference(sm.OLS(data.y, data.with_constant).fit())

    def linear_regression(sk: Any) -> Any:
        return sk.LinearRegression().fit(data.X, data.y).coef_

    return installed(statsmodels=ols, sklearn=linear_regression)


def lm_text(data: Data) -> list[Contender]:
    """Least squares and the summary as text."""

    def ols(sm: Any) -> str:
        return str(sm.OLS(data.y, data.with_constant).fit().summary())

    return [*installed(statsmodels=ols), *in_r(data)]


def logit(data: Data) -> list[Contender]:
    """Logistic regression; scikit-learn's without a penalty."""

    def newton(sm: Any) -> Any:
        return inference(sm.Logit(data.y, data.with_constant).fit(disp=0))

    def lbfgs(sk: Any) -> Any:
        return unpenalised(sk).fit(data.X, data.y).coef_

    return installed(statsmodels=newton, sklearn=lbfgs)


def softmax(data: Data) -> list[Contender]:
    """Softmax regression; scikit-learn's is symmetric and without a penalty."""
    y = data.y.astype(int)

    def newton(sm: Any) -> Any:
        return inference(sm.MNLogit(y, data.with_constant).fit(disp=0))

    def lbfgs(sk: Any) -> Any:
        return unpenalised(sk).fit(data.X, y).coef_

    return installed(statsmodels=newton, sklearn=lbfgs)


def imports() -> list[Contender]:
    """The time that ``import statsmodels.api`` adds to ``import numpy``."""
    present = importlib.util.find_spec("statsmodels") is not None
    return [over_numpy(STATSMODELS, "import statsmodels.api")] if present else []


def over_numpy(name: str, statement: str) -> Contender:
    """A fresh interpreter imports numpy, then times a statement that imports something.

    Bytecode may be kept, as that of an installed package is: else it is compilers that are timed.
    """
    environment = {**os.environ}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    code = (
        "import numpy, time; start = time.perf_counter(); "
        f"{statement}; print(time.perf_counter() - start)"
    )

    def sample() -> list[float]:
        run = subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env=environment,
        )
        return [float(run.stdout)]

    return Contender(name, sample, at_most=15)


def inference(fit: Any) -> tuple[Any, Any]:
    """Ask for estimates, errors, p-values and intervals; return the first two."""
    _ = fit.pvalues, fit.conf_int()
    return np.asarray(fit.params), np.asarray(fit.bse)


def unpenalised(linear_model: Any) -> Any:
    """scikit-learn's logistic or softmax regression at its defaults, but for the penalty."""
    return linear_model.LogisticRegression(C=np.inf, max_iter=1_000)


def installed(
    statsmodels: Callable[[Any], Any] | None = None, sklearn: Callable[[Any], Any] | None = None
) -> list[Contender]:
    """Make contenders of the functions whose package is installed, and hand each its module."""
    offered = (
        (STATSMODELS, "statsmodels.api", statsmodels),
        (SKLEARN, "sklearn.linear_model", sklearn),
    )
    return [
        clocked(name, partial(function, importlib.import_module(module)))
        for name, module, function in offered
        if function is not None and importlib.util.find_spec(module.partition(".")[0])
    ]


R_SCRIPT = """
arguments <- commandArgs(TRUE)
n <- as.integer(arguments[2]); p <- as.integer(arguments[3])
values <- readBin(arguments[1], "double", n * (p + 1))
data <- as.data.frame(matrix(values, n, p + 1))
formula <- as.formula(paste("V1 ~", paste(names(data)[-1], collapse = " + ")))
once <- function() capture.output(print(summary(lm(formula, data))))
times <- replicate(60, { start <- proc.time()[["elapsed"]]
  for (i in 1:10) once()
  (proc.time()[["elapsed"]] - start) / 10 })
cat(times[-(1:10)])
"""


def in_r(data: Data) -> list[Contender]:
    """lm and its printed summary inside R, timed by R, ten at a time since R's clock is coarse."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return []
    n, p = data.X.shape

    def sample() -> list[float]:
        with tempfile.TemporaryDirectory() as folder:
            values, script = Path(folder, "values"), Path(folder, "lm.R")
            np.column_stack([data.y, data.X]).T.tofile(values)
            script.write_text(R_SCRIPT)
            run = subprocess.run(
                [rscript, "--vanilla", str(script), str(values), str(n), str(p)],
                check=True,
                capture_output=True,
                text=True,
            )
        return [float(seconds) for seconds in run.stdout.split()]

    return [Contender(R, sample, at_most=3)]
