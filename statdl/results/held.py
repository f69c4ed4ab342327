"""What a fit holds, and the shapes in which people see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from statdl.backend.array import Array, to_numpy
from statdl.backend.device import where
from statdl.errors import DataError
from statdl.estimate import Convergence, Estimate
from statdl.formula import like as frame_like
from statdl.infer import predict as prediction
from statdl.infer.goodness import Goodness
from statdl.infer.wald import Coefficients, coefficients
from statdl.lazy import lazy
from statdl.results.lacking import OF_FITS, Lacking
from statdl.solve.iterate import Trace

pd = lazy("pandas")
np = lazy("numpy")


@dataclass(frozen=True)
class Call:
    """The call that made a fit, so that :meth:`Fit.update` can make it again.

    ``arguments`` are None for a fit from a file.
    """

    front: Callable[..., Any]
    arguments: Mapping[str, Any] | None = field(repr=False)

    def again(self, changes: Mapping[str, Any]) -> Any:
        """Repeat the call with other arguments."""
        if self.arguments is None:
            raise DataError(
                "A model loaded from a file holds no data to fit again; call "
                f"{self.front.__name__}() with its formula and the data."
            )
        return self.front(**{**self.arguments, **changes})


@dataclass(frozen=True, repr=False)
class Held(Lacking):
    """An estimate and the call that made it: what every view of a fit starts from."""

    _elsewhere: ClassVar[Mapping[str, str]] = OF_FITS

    estimate: Estimate
    call: Call

    @property
    def formula(self) -> str | None:
        """The formula as given; None for arrays."""
        return self.estimate.frame.design.formula

    @property
    def family(self) -> Any:
        """The family, with its link."""
        return self.estimate.family

    @property
    def levels(self) -> tuple[Any, ...]:
        """Classes of the response, the reference first; empty for a numeric response.

        Examples
        --------
        >>> import statdl as sd
        >>> sd.multinom("Species ~ Sepal.Width", data=sd.datasets.load("iris")).levels
        ('setosa', 'versicolor', 'virginica')
        """
        return self.estimate.specification.levels

    @property
    def convergence(self) -> Convergence:
        """How the estimate was reached: outcome, iterations, gradient norm, digits, seconds.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
        >>> fit.convergence.iterations, fit.convergence.message
        (7, 'Converged.')
        """
        return self.estimate.convergence

    @property
    def converged(self) -> bool:
        """Whether the solver converged."""
        return self.convergence.converged

    @property
    def device(self) -> str:
        """Where the fit ran: "cpu", or a card such as "cuda:0 NVIDIA H200"."""
        return where(self.estimate.specification.rows.template)

    @property
    def trace(self) -> Trace:
        """Loss, gradient norm and step of every iteration.

        ``loss``, ``gradient_norm`` and ``step`` are lists, the start included; losses are means
        over rows. Up to 50 parameters their values are there too, as ``parameters``.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
        >>> [round(loss, 4) for loss in fit.trace.loss[:3]]
        [0.6755, 0.3935, 0.3198]
        """
        return self.estimate.trace

    @property
    def label(self) -> str:
        """The front door and the model, as ``mlp(mpg ~ wt, hidden=(2,))``."""
        plan = self.estimate.specification.plan
        units = () if plan is None else tuple(one.units for one in plan.network.hidden)
        return (
            f"{self.call.front.__name__}({self.describe()}{f', hidden={units}' if units else ''})"
        )

    def describe(self) -> str:
        """Return the model in one line.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
        >>> fit.describe()
        'mpg ~ wt'
        """
        if self.formula is not None:
            return self.formula
        names = self.estimate.frame.design.names
        shown = " + ".join(names[:8]) + (" + …" if len(names) > 8 else "")
        return f"{self.estimate.frame.response.name} ~ {shown or '1'}"

    def __repr__(self) -> str:
        state = "" if self.converged else f"  {self.convergence.message}"
        return f"<{self.call.front.__name__} {self.describe()}  n={self.estimate.nobs}>{state}"

    @cached_property
    def coefficients(self) -> Coefficients:
        """Estimates, errors, statistics and p-values as arrays of shape (coefficients, outputs)."""
        return coefficients(self.estimate)

    @cached_property
    def goodness(self) -> Goodness:
        """Measures of fit."""
        return Goodness(self.estimate)

    def _categories(self) -> list[str]:
        return [str(level) for level in self.levels[1:]]

    @property
    def _single_table(self) -> bool:
        """Whether all coefficients are in one table."""
        network = self.estimate.specification.plan is not None
        return network or self.family.name != "multinomial"

    def _named(self, table: Any) -> Any:
        names = list(self.estimate.specification.coefficient_names)
        if self._single_table:
            return pd.Series(table[:, 0], index=names)
        return pd.DataFrame(table, index=names, columns=self._categories())

    def _labels(self) -> Any:
        names = list(self.estimate.specification.coefficient_names)
        if self._single_table:
            return pd.Index(names)
        return pd.MultiIndex.from_product([self._categories(), names])

    def _limits(self, level: float, columns: tuple[Any, Any]) -> Any:
        lower, upper = self.coefficients.interval(level)
        stacked = np.stack([lower.T.reshape(-1), upper.T.reshape(-1)], axis=1)
        return pd.DataFrame(stacked, index=self._labels(), columns=list(columns))

    def _rows(self, values: Array, name: str = "fit") -> Any:
        """Return what each row has: a vector called ``name``, or a column a class."""
        frame = self.estimate.frame
        if values.shape[1] == 1:
            return self._vector(values[:, 0], frame.index, frame.source, name)
        if frame.source is None:
            return values
        labels = prediction.class_labels(self.estimate)
        columns = {label: to_numpy(values[:, k]) for k, label in enumerate(labels)}
        return frame_like(frame.source, columns, frame.index)

    def _vector(self, values: Any, index: Any, source: Any, name: str = "fit") -> Any:
        """Return a vector in the kind of the data: a series of a frame's library, or an array."""
        if source is None:
            return np.asarray(values) if isinstance(values, list) else values
        host = values if isinstance(values, list) else to_numpy(values)
        return frame_like(source, {name: host}, index)[name]
