"""A fitted network: a fit, and what only networks have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from statdl.errors import ModelError, unknown_word
from statdl.estimate import Identification, Plan
from statdl.infer.inputs import input_tests
from statdl.infer.wald import reference_df
from statdl.report import DataTable, Summary
from statdl.report.architecture import architecture_table
from statdl.report.effects import input_table
from statdl.report.history import history_frame
from statdl.report.summary import summarise
from statdl.results.fit import Fit
from statdl.results.pictures import NetworkPictures


@dataclass(frozen=True, repr=False)
class NetworkFit(Fit, NetworkPictures):
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
        """The network, its scaling, decay and starts.

        Examples
        --------
        >>> import statdl as sd
        >>> net = sd.mlp("mpg ~ wt + hp", data=sd.datasets.load("mtcars"), hidden=2, decay=0.1)
        >>> net.plan.network.size
        9
        """
        plan = self.estimate.specification.plan
        assert plan is not None
        return plan

    @property
    def identification(self) -> Identification:
        """Whether the data tell the weights apart.

        References
        ----------
        White (1989), Neural Computation 1; Fukumizu (1996), Neural Networks 9.

        Examples
        --------
        >>> import statdl as sd
        >>> net = sd.mlp("mpg ~ wt + hp", data=sd.datasets.load("mtcars"), hidden=2, decay=0.1)
        >>> net.identification.value
        'identified'
        """
        return self.estimate.identification

    @property
    def restarts(self) -> tuple[float, ...]:
        """The loss that each start ended with.

        Examples
        --------
        >>> import statdl as sd
        >>> cars = sd.datasets.load("mtcars")
        >>> net = sd.mlp("mpg ~ wt", data=cars, hidden=1, decay=0.1, restarts=3)
        >>> len(net.restarts)
        3
        """
        spread = self.estimate.spread
        return spread if len(spread) > 1 else (self.estimate.loss,)

    @property
    def history(self) -> Any:
        """What training saw of every epoch, as a frame.

        Columns: epoch; loss and metrics of the rows as they were used, ``validation_`` before
        those of the rows held out; learning_rate; ``gradient_`` and the layer: the norm of the
        last batch's gradient. Losses are mean −log-likelihoods of a row at unit dispersion, without
        penalties. Of methods that are not training it has iteration, loss, gradient norm and step.

        Examples
        --------
        >>> import statdl as sd
        >>> cars = sd.datasets.load("mtcars")
        >>> steps = sd.GradientDescent(sd.Adam(0.01), batch=16, epochs=5)
        >>> net = sd.mlp("mpg ~ wt", data=cars, hidden=2, method=steps)
        >>> net.history.columns.tolist()[:3], len(net.history)
        (['epoch', 'loss', 'learning_rate'], 5)
        """
        return history_frame(self.estimate)

    def architecture(self) -> DataTable:
        """Return the layers with their output shapes and numbers of parameters.

        Examples
        --------
        >>> import statdl as sd
        >>> net = sd.mlp("mpg ~ wt + hp", data=sd.datasets.load("mtcars"), hidden=2, decay=0.1)
        >>> print(net.architecture())
                         Network
        =========================================
        Layer            Output shape  Parameters
        -----------------------------------------
        hidden 1 (tanh)        (n, 2)           6
        output                 (n, 1)           3
        Total                                   9
        =========================================
        """
        return architecture_table(self.plan.network)

    def summary(
        self, level: float = 0.95, weights: bool = False, *, vcov: Any = None, cluster: Any = None
    ) -> Summary:
        """Return the summary: effects and tests of the inputs, and what the weights are worth.

        ``weights`` adds the table of the weights, where they are identified; ``vcov`` and
        ``cluster`` choose the covariance, as for :meth:`vcov`.

        See Also
        --------
        NetworkFit.effects : The effects alone.
        NetworkFit.input_tests : The tests alone.

        Examples
        --------
        >>> import statdl as sd
        >>> net = sd.mlp("mpg ~ wt + hp", data=sd.datasets.load("mtcars"), hidden=2, decay=0.1)
        >>> net.summary().title
        'Neural Network Results'
        """
        chosen = self.with_covariance(vcov, cluster)
        return summarise(chosen.goodness, level=level, weights=weights)

    def confint(
        self,
        level: float = 0.95,
        what: str = "effects",
        *,
        parm: str | Sequence[str] | None = None,
        method: str = "wald",
        vcov: Any = None,
        cluster: Any = None,
    ) -> Any:
        """Return confidence limits of the average marginal effects, or of the weights.

        Parameters
        ----------
        level : float
            Confidence level.
        what : {"effects", "weights"}
            Limits of "weights" are NaN where these are not identified.
        parm : str or sequence of str, optional
            Which weights, or whose effects; by default all.
        method : {"wald"}
            Networks have no other.
        vcov, cluster : optional
            The covariance, as for :meth:`vcov`.

        Examples
        --------
        >>> import statdl as sd
        >>> net = sd.mlp("mpg ~ wt + hp", data=sd.datasets.load("mtcars"), hidden=2, decay=0.1)
        >>> net.confint().index.tolist()
        ['wt', 'hp']
        """
        if what == "weights" or method != "wald":
            return super().confint(level, parm=parm, method=method, vcov=vcov, cluster=cluster)
        if what != "effects":
            raise unknown_word("what", what, ("effects", "weights"))
        table = self.with_covariance(vcov, cluster).effects(level=level).to_frame()
        if parm is not None:
            table = table.loc[_known([parm] if isinstance(parm, str) else list(parm), table.index)]
        limits = table.iloc[:, -2:]
        return limits.set_index(table["Class"], append=True) if "Class" in table else limits

    def input_tests(self, vcov: Any = None, cluster: Any = None) -> DataTable:
        """Return the joint Wald test of all weights that leave each input.

        A term has no p-value where it is the network's only input: without it the hidden units
        would not be identified (White 1989), and where the weights are not identified as it is
        there is no test at all. ``vcov`` and ``cluster`` choose the covariance, as for
        :meth:`vcov`.

        References
        ----------
        White (1989), Neural Computation 1.

        Examples
        --------
        >>> import statdl as sd
        >>> net = sd.mlp("mpg ~ wt + hp", data=sd.datasets.load("mtcars"), hidden=2, decay=0.1)
        >>> net.input_tests().index
        ('wt', 'hp')
        """
        estimate = self.with_covariance(vcov, cluster).estimate
        return input_table(input_tests(estimate), reference_df(estimate))


def _known(names: Sequence[str], inputs: Sequence[str]) -> list[str]:
    """Return names of inputs, or raise for one that is none."""
    for name in names:
        if name not in inputs:
            raise ModelError(
                f"parm={name!r} is no input; there are {', '.join(dict.fromkeys(inputs))}. Weights "
                "have limits by what='weights'."
            )
    return list(names)
