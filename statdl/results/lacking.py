"""Names that people ask of an object that has not got them: where the answer is instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

_NETWORK = "a regression has none; networks do, sd.mlp(...)."
_ROBUST = "fit.with_covariance({0!r}).bse has them."
_RATIO = "sd.anova(smaller, larger) compares fits."
_CLASSES = "fit.predict(new) has probabilities, type='class' the most probable class."

#: What fits are asked for by the names of statsmodels, scikit-learn, R, and networks.
OF_FITS = {
    **dict.fromkeys(
        "architecture history identification input_tests plan plot_gradients plot_history "
        "plot_network restarts".split(),
        _NETWORK,
    ),
    **{f"{name}_se": _ROBUST.format(name) for name in ("HC0", "HC1", "HC2", "HC3")},
    **dict.fromkeys(("compare_f_test", "compare_lr_test", "compare_lm_test"), _RATIO),
    **dict.fromkeys(("t_test", "f_test", "wald_test"), "fit.wald('x1 = x2') tests hypotheses."),
    "wald_test_terms": "fit.anova(typ=3) tests terms.",
    "t_test_pairwise": "fit.avg_comparisons({'factor': 'pairwise'}) compares levels.",
    "get_prediction": "fit.predict(new, interval=...) has limits, se_fit=True errors.",
    "get_influence": "fit.influence() has the measures.",
    "get_margeff": "fit.avg_slopes() has average marginal effects.",
    "get_robustcov_results": "fit.with_covariance('HC3') has them.",
    "remove_data": "fit.save() writes a file without rows.",
    "summary2": "fit.summary() prints the fit, sd.compare(...) several.",
    "fit": "a fit has been fitted; fit.update(...) fits again.",
    "coef_": "fit.params has the coefficients.",
    "intercept_": "fit.params['Intercept'] is it.",
    "predict_proba": _CLASSES,
    "classes_": "fit.levels has the classes.",
    "emmeans": "fit.predictions(fit.datagrid('balanced'), by='factor') has the means.",
}
#: What paths are asked for as if they were one fit.
OF_PATHS = {
    **dict.fromkeys(
        ("summary", "tidy", "glance", "anova", "vcov", "residuals", "resid"),
        "path.fit(lambda_) and path.refit(lambda_) are fits, which have it.",
    ),
    **dict.fromkeys(
        ("confint", "conf_int", "pvalues", "bse", "tvalues"),
        "path.debiased(lambda_) has errors and intervals that know of the choice.",
    ),
    **dict.fromkeys(("params", "coef_"), "path.coef(lambda_) has the coefficients."),
    "save": "path.fit(lambda_).save(...) writes the fit at one λ, pickle a path.",
}
#: What validated paths are asked for as if they were one fit.
OF_CV = {
    **dict.fromkeys(("params", "coef_"), "cv.coef() has the coefficients, at λ_1se."),
    **dict.fromkeys(
        ("summary", "tidy", "glance", "vcov", "residuals", "fit", "refit", "save"),
        "cv.best() is the fit, cv.path the path.",
    ),
    **dict.fromkeys(
        ("confint", "conf_int", "pvalues", "bse"), "cv.path.debiased(lambda_) has intervals."
    ),
}


class Lacking:
    """An object that says where to find what it has not got."""

    _elsewhere: ClassVar[Mapping[str, str]] = {}

    if not TYPE_CHECKING:  # which would take every name for an attribute

        def __getattr__(self, name: str) -> Any:
            """Raise what Python raises, or say where the name is."""
            hint = type(self)._elsewhere.get(name)
            if hint is None:  # what a property raised keeps its words
                return object.__getattribute__(self, name)
            kind = type(self).__name__
            raise AttributeError(f"{kind} has no `{name}`: {hint}", name=name, obj=self)
