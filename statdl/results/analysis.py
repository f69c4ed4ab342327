"""The analysis of variance of a fit, or of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from statdl import study
from statdl.errors import ModelError
from statdl.infer import anova as analysis
from statdl.infer.term_tests import model_tests, term_tests
from statdl.keywords import explained
from statdl.report import DataTable
from statdl.report.analysis import comparison_table, term_table
from statdl.report.wald import adjusted_table, model_test_table, term_test_table
from statdl.results.inference import Inference


class Analysis(Inference):
    """Tests of terms, and of models against each other."""

    @explained
    def anova(
        self,
        *others: Analysis,
        typ: int = 1,
        test: str | None = None,
        vcov: Any = None,
        cluster: Any = None,
        adjust: str | None = None,
        B: int = 99,
        seed: int = 0,
    ) -> DataTable:
        """Return the analysis of variance of this fit, or compare it with others.

        Parameters
        ----------
        others : Fit
            Fits to the same rows, to compare in the order given.
        typ : {1, 2, 3}
            Sequential, each term after those it is not part of, or (sum contrasts) after all.
        test : {"F", "Chisq" (= "LRT"), "Rao"}, optional
            F where the dispersion is estimated, else the likelihood ratio; or Rao's score test.
        vcov, cluster : optional
            Wald tests under another covariance, as for :meth:`vcov`.
        adjust : str, optional
            Adjust the p-values for their number, by a method of :func:`statdl.adjust`.
        B, seed : int
            A network is compared with a smaller model by a parametric bootstrap of B responses.

        Raises
        ------
        ModelError
            When fits are of different rows, responses or families.

        See Also
        --------
        Fit.wald : Any linear hypothesis.
        Fit.drop1 : Terms by AIC.

        Examples
        --------
        >>> import statdl as sd
        >>> cars = sd.datasets.load("mtcars")
        >>> table = sd.lm("mpg ~ wt", data=cars).anova(sd.lm("mpg ~ wt + hp", data=cars))
        >>> round(float(table["Pr(>F)"][1]), 5)
        0.00145
        """
        table = self._analysis(others, typ, test, vcov, cluster, B, seed)
        return table if adjust is None else adjusted_table(table, adjust)

    def _analysis(
        self,
        others: Sequence[Analysis],
        typ: int,
        test: str | None,
        vcov: Any,
        cluster: Any,
        B: int,
        seed: int,
    ) -> DataTable:
        _refuse_strangers(others)
        fits = [fit.with_covariance(vcov, cluster) for fit in (self, *others)]
        estimates = [fit.estimate for fit in fits]
        chosen = vcov is not None or cluster is not None or estimates[0].reported is not None
        if typ not in (1, 2, 3):
            raise ModelError(f"typ={typ!r} is not known; choose 1, 2 or 3.")
        if others and chosen:
            words = [fit.describe() for fit in fits]
            return model_test_table(estimates, model_tests(estimates), test, words)
        if chosen:
            return term_test_table(estimates[0], term_tests(estimates[0], typ), test, typ)
        if others:
            if any(estimate.specification.plan is not None for estimate in estimates):
                return study.ratio_table(estimates, [fit.label for fit in fits], B, seed)
            compared = analysis.compare(estimates, test)
            return comparison_table(compared, estimates, [fit.describe() for fit in fits])
        if typ == 1:
            return term_table(analysis.sequential(self.estimate, test), self.estimate, 1)
        return term_table(analysis.marginal(self.estimate, typ, test), self.estimate, typ)


def _refuse_strangers(others: Sequence[Any]) -> None:
    """Raise for what is not a fit, such as a type of test without its name."""
    for other in others:
        if not isinstance(other, Analysis):
            raise ModelError(
                f"anova() compares fits, and {other!r} is none; for a type of test write "
                f"typ={other!r}."
            )
