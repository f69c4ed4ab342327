"""statdl: from statistics to deep learning, in one language.

A model is a **family** on η, a **predictor** that produces η, and a **penalty**; a **solver**
minimises the penalised negative log-likelihood; a **fit** remembers; **verbs** interrogate it.
"""

from __future__ import annotations

from statdl import datasets
from statdl.api import (
    AIC,
    BIC,
    anova,
    coef,
    compare,
    confint,
    deviance,
    df_residual,
    effects,
    fitted,
    formula,
    glm,
    hidden_layer_test,
    lm,
    load,
    logLik,
    mlp,
    model_matrix,
    multinom,
    nobs,
    predict,
    residuals,
    select_hidden,
    summary,
    update,
    vcov,
)
from statdl.errors import (
    ConvergenceWarning,
    DataError,
    DeviceError,
    FormulaError,
    ModelError,
    NotPositiveDefiniteError,
    NumericalError,
    RankWarning,
    SeparationWarning,
    StatdlError,
    StatdlWarning,
)
from statdl.model.penalty import Ridge
from statdl.results import Fit, NetworkFit
from statdl.solve.checkpoint import Checkpoint
from statdl.solve.descent import GradientDescent
from statdl.solve.lbfgs import LBFGS
from statdl.solve.newton import LeastSquares, Newton
from statdl.solve.rule import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSProp
from statdl.solve.schedule import Constant, Exponential, PowerOfTen, Steps
from statdl.solve.trust import TrustRegion
from statdl.study.selection import Selection

__version__ = "0.1.0"

__all__ = [
    "AIC",
    "BIC",
    "LBFGS",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Checkpoint",
    "Constant",
    "ConvergenceWarning",
    "DataError",
    "DeviceError",
    "Exponential",
    "Fit",
    "FormulaError",
    "GradientDescent",
    "LeastSquares",
    "ModelError",
    "Momentum",
    "Nesterov",
    "NetworkFit",
    "Newton",
    "NotPositiveDefiniteError",
    "NumericalError",
    "PowerOfTen",
    "RMSProp",
    "RankWarning",
    "Ridge",
    "Selection",
    "SeparationWarning",
    "StatdlError",
    "StatdlWarning",
    "Steps",
    "TrustRegion",
    "anova",
    "coef",
    "compare",
    "confint",
    "datasets",
    "deviance",
    "df_residual",
    "effects",
    "fitted",
    "formula",
    "glm",
    "hidden_layer_test",
    "lm",
    "load",
    "logLik",
    "mlp",
    "model_matrix",
    "multinom",
    "nobs",
    "predict",
    "residuals",
    "select_hidden",
    "summary",
    "update",
    "vcov",
]
