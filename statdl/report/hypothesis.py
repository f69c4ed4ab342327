"""A test as people see it: R's htest, and the null hypothesis as a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from statdl.infer.hypothesis import HypothesisTest
from statdl.report.block import Document, Table
from statdl.report.format import FORMATS
from statdl.report.table import Printed


@dataclass(frozen=True, repr=False)
class TestReport(Printed):
    """The result of a test: its statistic, degrees of freedom, p-value and null hypothesis.

    Examples
    --------
    >>> found = HypothesisTest("Breusch-Pagan test", "BP", 0.76, {"df": 2}, 0.684, "equal.")
    >>> print(TestReport(found, "mpg ~ wt"))
    Breusch-Pagan test
    data:  mpg ~ wt
    BP = 0.76, df = 2, p-value = 0.684
    H0: equal.
    """

    test: HypothesisTest
    data: str

    __test__ = False  # for pytest: a test of statistics

    @property
    def method(self) -> str:
        """What was done."""
        return self.test.method

    @property
    def statistic(self) -> float:
        """The statistic."""
        return self.test.statistic

    @property
    def df(self) -> float | tuple[float, ...]:
        """Degrees of freedom: one number, or several."""
        values = tuple(self.test.parameters.values())
        return values[0] if len(values) == 1 else values

    @property
    def p_value(self) -> float:
        """The p-value."""
        return self.test.p_value

    @property
    def null(self) -> str:
        """The null hypothesis."""
        return self.test.null

    @property
    def estimates(self) -> Mapping[str, float]:
        """What was estimated on the way."""
        return self.test.estimates

    def to_text(self, width: int | None = None) -> str:
        """Return the test as R prints it."""
        p_value = "< 2.2e-16" if self.p_value < 2.2e-16 else f"= {self.p_value:.4g}"
        shown = [f"{name} = {value:g}" for name, value in self.test.parameters.items()]
        numbers = [f"{self.test.symbol} = {self.statistic:.5g}", *shown]
        estimates = [f"{name} = {value:.4g}" for name, value in self.estimates.items()]
        lines = [
            self.method,
            f"data:  {self.data}",
            ", ".join([*numbers, f"p-value {p_value}"]),
            *([", ".join(estimates)] if estimates else []),
            f"H0: {self.null}",
            *self.test.notes,
        ]
        return "\n".join(lines)

    def document(self) -> Document:
        """Return the test as a table of one row."""
        test = self.test
        header = ("", test.symbol, *test.parameters, "p-value")
        row = (
            self.data,
            FORMATS["statistic"](self.statistic),
            *(f"{value:g}" for value in test.parameters.values()),
            FORMATS["p_value"](self.p_value),
        )
        notes = (f"H0: {self.null}", *test.notes)
        return Document(self.method, (Table(header, (row,)),), notes)
