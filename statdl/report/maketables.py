"""What the package maketables asks of a model that it does not know: its plug-in format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from statdl.infer.goodness import Goodness
from statdl.lazy import lazy
from statdl.report.tidy import tidy_columns

pd = lazy("pandas")

#: maketables' names of the columns of coefficients.
COLUMNS = {
    "b": "estimate",
    "se": "std.error",
    "t": "statistic",
    "p": "p.value",
    "ci95l": "conf.low",
    "ci95u": "conf.high",
}
#: Its names of measures of fit: of all models, and of least squares or of the others only.
MEASURES = {"ll": "llf", "aic": "aic", "bic": "bic"}
LINEAR = {"r2": "rsquared", "adj_r2": "rsquared_adj", "fvalue": "fvalue", "f_p": "f_pvalue"}
OTHERS = {"pseudo_r2": "prsquared"}


@dataclass(frozen=True)
class PlugIn:
    """A fit under the names that maketables looks for; classes have coefficients of their own."""

    goodness: Goodness

    @property
    def __maketables_coef_table__(self) -> Any:
        columns = tidy_columns(self.goodness.estimate, 0.95)
        names = columns["term"]
        if "y.level" in columns:
            pairs = zip(columns["y.level"], names, strict=True)
            names = [f"{level}: {term}" for level, term in pairs]
        index = pd.Index(names, name="Coefficient")
        return pd.DataFrame({key: columns[name] for key, name in COLUMNS.items()}, index=index)

    @property
    def __maketables_depvar__(self) -> str:
        return self.goodness.estimate.frame.response.name

    @property
    def __maketables_vcov_info__(self) -> dict[str, Any]:
        reported = self.goodness.estimate.reported
        return {"vcov_type": "classical" if reported is None else reported.kind}

    @property
    def __maketables_default_stat_keys__(self) -> list[str]:
        return ["N", "r2", "adj_r2"] if self._linear else ["N", "pseudo_r2", "aic"]

    def __maketables_stat__(self, key: str) -> Any:
        if key == "N":
            return self.goodness.estimate.nobs
        names = MEASURES | (LINEAR if self._linear else OTHERS)
        return getattr(self.goodness, names[key]) if key in names else None

    @property
    def _linear(self) -> bool:
        return self.goodness.estimate.specification.least_squares
