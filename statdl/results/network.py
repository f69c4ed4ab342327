"""A fitted network: a fit, and what only networks have."""

from __future__ import annotations

from dataclasses import dataclass

from statdl.estimate import Identification, Plan
from statdl.report import DataTable
from statdl.report.architecture import architecture_table
from statdl.results.fit import Fit


@dataclass(frozen=True, repr=False)
class NetworkFit(Fit):
    """A fitted network.

    Examples
    --------
    >>> import statdl as sd
    >>> net = sd.mlp("mpg ~ wt + hp", data=sd.datasets.load("mtcars"), hidden=2, decay=0.1)
    >>> net.architecture()["Parameters"].tolist()
    [6.0, 3.0, 9.0]
    """

    @property
    def plan(self) -> Plan:
        """The network, its scaling, decay and starts."""
        plan = self.estimate.specification.plan
        assert plan is not None
        return plan

    @property
    def identification(self) -> Identification:
        """Whether the data tell the weights apart."""
        return self.estimate.identification

    @property
    def restarts(self) -> tuple[float, ...]:
        """The loss that each start ended with."""
        return self.estimate.spread

    def architecture(self) -> DataTable:
        """Return the layers with their output shapes and numbers of parameters."""
        return architecture_table(self.plan.network)
