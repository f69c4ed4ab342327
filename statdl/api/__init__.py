"""The R-like front doors and verbs."""

from __future__ import annotations

from statdl.api.network import mlp
from statdl.api.regression import glm, lm, multinom
from statdl.api.storage import load
from statdl.api.studies import compare, hidden_layer_test, select_hidden
from statdl.api.verbs import (
    AIC,
    BIC,
    anova,
    coef,
    confint,
    deviance,
    df_residual,
    effects,
    fitted,
    formula,
    logLik,
    model_matrix,
    nobs,
    predict,
    residuals,
    summary,
    update,
    vcov,
)

__all__ = [
    "AIC",
    "BIC",
    "anova",
    "coef",
    "compare",
    "confint",
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
