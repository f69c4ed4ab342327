"""``CvPath``, what ``sd.cv_path`` returns: a path, and the cross-validated error of every λ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from statdl.errors import ModelError
from statdl.lazy import lazy
from statdl.report import DataTable, Printed, page
from statdl.report.block import Document
from statdl.report.plot.path import draw_validation
from statdl.report.reading.path import validation_readings
from statdl.report.reading.words import Reading
from statdl.results.fit import Fit
from statdl.results.lacking import OF_CV, Lacking
from statdl.results.path import Path
from statdl.study.path import Validation

np = lazy("numpy")


@dataclass(frozen=True, repr=False)
class CvPath(Printed, Lacking):
    """A path with the cross-validated error of every λ.

    Examples
    --------
    >>> import statdl as sd
    >>> cv = sd.cv_path("mpg ~ wt + hp", data=sd.datasets.load("mtcars"), folds=4)
    >>> list(cv.best().params.index)
    ['Intercept', 'wt', 'hp']
    """

    _elsewhere: ClassVar[Mapping[str, str]] = OF_CV

    path: Path
    validation: Validation

    @property
    def lambda_min(self) -> float:
        """The λ with the least error."""
        return float(self.path.lambdas[self.validation.best])

    @property
    def lambda_1se(self) -> float:
        """The largest λ whose error is within one standard error of the least."""
        return float(self.path.lambdas[self.validation.simplest])

    @property
    def folds(self) -> Any:
        """The fold of each row; None for rows of a scan."""
        return self.validation.fold

    @cached_property
    def table(self) -> DataTable:
        """The two values of λ that one chooses from, with their errors."""
        found, places = self.validation, (self.validation.best, self.validation.simplest)
        columns: Mapping[str, Any] = {
            "lambda": [float(self.path.lambdas[k]) for k in places],
            found.measure: [float(found.mean[k]) for k in places],
            "std err": [float(found.standard_error[k]) for k in places],
            "nonzero": [int(self.path.df[k]) for k in places],
            "explained": [float(self.path.explained[k]) for k in places],
        }
        count = len(found.by_fold)
        return DataTable(
            "", ("min", "1se"), columns, title=f"{self.path._title}: {count}-fold cross-validation"
        )

    def curve(self) -> DataTable:
        """Return the error of every λ."""
        found = self.validation
        columns = {
            "lambda": self.path.lambdas,
            found.measure: found.mean,
            "std err": found.standard_error,
            "nonzero": self.path.df.tolist(),
        }
        labels = tuple(str(k) for k in range(len(self.path.lambdas)))
        return DataTable("", labels, columns, title="Cross-validated error")

    def document(self) -> Document:
        """Return the table, for a renderer."""
        return self.table.document()

    def readings(self) -> tuple[Reading, ...]:
        """Return what a report says of the two choices."""
        found, places = self.validation, (self.validation.best, self.validation.simplest)
        chosen, names = [], []
        for k in places:
            row = (self.path.lambdas[k], found.mean[k], found.standard_error[k], self.path.df[k])
            chosen.append(
                dict(zip(("strength", "error", "spread", "count"), map(float, row), strict=True))
            )
            used = np.any(self.path.estimate.coefficients[k] != 0, axis=1)
            names.append([self.path.names[j] for j in np.flatnonzero(used).tolist()])
        return validation_readings(found.measure, len(found.by_fold), chosen, names)

    def sections(self) -> tuple[page.Section, ...]:
        """Return the pictures of error and coefficients, and the path."""
        pictures = page.illustrated(self.picture, self.path.picture)
        return (
            page.Section("Error and coefficients", (pictures,)),
            page.Section("Path", (page.Shown(self.path.document()),)),
        )

    def picture(self) -> page.Picture:
        """Return the picture of the error, with what it shows in words."""
        return page.drawn(
            self.plot,
            f"Cross-validated {self.validation.measure} against log lambda with its standard "
            f"error; it is best at lambda {self.lambda_min:.3g}, and {self.lambda_1se:.3g} is the "
            "largest within one standard error.",
            "Band: one standard error of the mean over folds. Numbers above: how many columns are "
            "in.",
        )

    def lambda_(self, rule: str = "min") -> float:
        """Return λ by a rule: "min" or "1se"."""
        if rule not in ("min", "1se"):
            raise ModelError(f"rule={rule!r} is not known; choose 'min' or '1se'.")
        return self.lambda_min if rule == "min" else self.lambda_1se

    def best(self, rule: str = "1se") -> Fit:
        """Return the model at the chosen λ as a :class:`Fit` (see :meth:`Path.fit`).

        Parameters
        ----------
        rule : {"1se", "min"}
            The largest λ within one standard error of the least error, or that of the least.

        Examples
        --------
        >>> import statdl as sd
        >>> cv = sd.cv_path("mpg ~ wt + hp", data=sd.datasets.load("mtcars"), folds=4)
        >>> cv.best("min").params.index.tolist()
        ['Intercept', 'wt', 'hp']
        """
        return self.path.fit(self.lambda_(rule))

    def coef(self, rule: str = "1se") -> Any:
        """Return the coefficients at the chosen λ."""
        return self.path.coef(self.lambda_(rule))

    def predict(self, newdata: Any = None, rule: str = "1se", **options: Any) -> Any:
        """Predict at the chosen λ."""
        return self.path.predict(newdata, self.lambda_(rule), **options)

    def plot(self, *, ax: Any = None) -> Any:
        """Draw the cross-validated error against λ, with both choices; returns axes."""
        found = self.validation
        marks = (("min", self.lambda_min), ("1se", self.lambda_1se))
        title = f"{self.path._title}, cross-validated"
        return draw_validation(
            self.path.lambdas, found.mean, found.standard_error, self.path.df, marks,
            found.measure, title, ax,
        )  # fmt: skip
