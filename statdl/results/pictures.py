"""Pictures of a fit; each draws on the axes given, or on new ones, and returns them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from statdl import study
from statdl.errors import ModelError
from statdl.lazy import lazy
from statdl.report import plot
from statdl.results.held import Held

partial = lazy("statdl.infer.partial")


class Pictures(Held):
    """What can be seen of every fit."""

    def plot_effect(
        self,
        variable: str,
        newdata: Any = None,
        *,
        vcov: Any = None,
        cluster: Any = None,
        level: float = 0.95,
        points: int | Sequence[Any] | None = None,
        ax: Any = None,
    ) -> Any:
        """Draw the average mean response by the values of one variable, with limits.

        A number gives a curve with its band, and marks at what was observed; a factor, or a number
        of two values, gives points with error bars. :meth:`partial_effect` has the numbers and
        explains them and the arguments.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; on axes of its own unless given.

        Returns
        -------
        The axes.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ poly(wt, 2) + hp", data=sd.datasets.load("mtcars"))
        >>> fit.plot_effect("wt").get_ylabel()
        'average predicted mpg'
        """
        under = study.under(self.estimate, vcov, cluster)
        found = partial.partial_effect(under, variable, newdata, points=points, level=level)
        return plot.draw_effect(under, found, ax)

    def plot(self, which: int | Sequence[int] = (1, 2, 3, 5), *, ax: Any = None) -> Any:
        """Draw R's diagnostic pictures of a regression with one linear predictor.

        1 residuals against fitted values, 2 normal quantiles, 3 scale against fitted values,
        4 Cook's distance, 5 residuals against leverage, 6 Cook's distance against leverage. The
        three most extreme rows are named. Curves are locally weighted lines (Cleveland 1979).
        Residuals of generalised linear models are Pearson's, against the linear predictor.

        Parameters
        ----------
        which : int or sequence of int
            The pictures.
        ax : matplotlib Axes or several, optional
            Where to draw, one for each picture; on a figure of its own unless given.

        Returns
        -------
        The axes: one where ``which`` is a number, else a list.

        Raises
        ------
        ModelError
            For networks, several classes and penalised fits, whose rows have no such influence.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> [axes.get_xlabel() for axes in fit.plot(which=(1, 5))]
        ['fitted value', "leverage; dashed: Cook's distance 0.5, 1"]
        """
        if self.estimate.specification.plan is not None:
            raise ModelError(
                "plot() draws the residuals of regressions; pictures of a network are "
                "plot_history(), plot_effect(variable), plot_network(), plot_gradients() and "
                "plot_decision(first, second)."
            )
        return plot.draw_diagnostics(self.estimate, which, ax)

    def plot_coefficients(
        self,
        *,
        level: float = 0.95,
        vcov: Any = None,
        cluster: Any = None,
        intercept: bool = False,
        terms: Sequence[str] | None = None,
        ax: Any = None,
    ) -> Any:
        """Draw the coefficients of a regression with their limits.

        Parameters
        ----------
        level : float
            Confidence level.
        vcov, cluster : optional
            The covariance behind the limits, as for :meth:`with_covariance`.
        intercept : bool
            Draw the intercept as well.
        terms : sequence of str, optional
            The coefficients to draw, in this order; all unless given.
        ax : matplotlib Axes, optional
            Where to draw; on axes of its own unless given.

        Returns
        -------
        The axes.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> [label.get_text() for label in fit.plot_coefficients().get_yticklabels()]
        ['wt', 'hp']
        """
        under = study.under(self.estimate, vcov, cluster)
        return plot.draw_coefficients(under, level, intercept, terms, ax)

    def plot_added_variable(self, name: str, *, ax: Any = None) -> Any:
        """Draw the response against one column, each without what the other columns say of it.

        The slope of the line is the coefficient of a linear regression (car's avPlots); of a
        generalised linear model Pearson's residuals without the column are drawn against its
        weighted residuals, whose slope is one step of scoring from 0 (Wang 1985). Rows at the sides
        hold the line, and one far above or below it moves the coefficient. The three rows with
        the largest residuals are named.

        Parameters
        ----------
        name : str
            A column of the model, as in the summary: "wt", or "factor(cyl)[T.6]".
        ax : matplotlib Axes, optional
            Where to draw; on axes of its own unless given.

        Returns
        -------
        The axes.

        Raises
        ------
        ModelError
            For networks, several classes and penalised fits, and for what is no column.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + hp", data=sd.datasets.load("mtcars"))
        >>> fit.plot_added_variable("wt").get_title(loc="left")
        'Added variable: wt, slope −3.878'
        """
        return plot.draw_added_variable(self.estimate, name, ax)

    def plot_component_residual(self, variable: str, *, ax: Any = None) -> Any:
        """Draw what a term adds to the linear predictor, plus residuals, over its variable.

        As car's crPlots: where the locally weighted curve leaves the dashed component, the variable
        wants another shape. Residuals of generalised linear models are working residuals; factors
        have their levels side by side.

        Parameters
        ----------
        variable : str
            A variable of the data, or a term such as "log(wt)".
        ax : matplotlib Axes, optional
            Where to draw; on axes of its own unless given.

        Returns
        -------
        The axes.

        Raises
        ------
        ModelError
            For networks and several classes, and for variables in interactions or several terms.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.lm("mpg ~ wt + poly(hp, 2)", data=sd.datasets.load("mtcars"))
        >>> fit.plot_component_residual("hp").get_ylabel()
        'poly(hp, 2) + residual'
        """
        return plot.draw_component_residual(self.estimate, variable, ax)

    def plot_calibration(
        self,
        groups: int = 10,
        by: str = "quantile",
        *,
        level: float = 0.95,
        newdata: Any = None,
        event: Any = None,
        ax: Any = None,
    ) -> Any:
        """Draw observed shares against predicted probabilities, in groups of rows.

        The points of :meth:`calibration`, with Wilson's limits; on the dashed line probabilities
        are true. Several classes have a line each, unless ``event`` names one.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
        >>> fit.plot_calibration(groups=5).get_xlabel()
        'predicted probability of am = 1'
        """
        return plot.draw_calibration(self.estimate, groups, by, level, newdata, event, ax)

    def plot_roc(
        self, *, level: float = 0.95, newdata: Any = None, event: Any = None, ax: Any = None
    ) -> Any:
        """Draw the ROC curve; of several classes each against the rest, unless ``event`` names one.

        Examples
        --------
        >>> import statdl as sd
        >>> fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
        >>> fit.plot_roc().get_title(loc="left")
        'ROC curve: area 0.933 (0.839 to 1.000)'
        """
        return plot.draw_roc(self.estimate, level, newdata, event, ax)

    def plot_decision(
        self,
        x: str,
        y: str,
        *,
        at: Mapping[str, Any] | None = None,
        points: int = 200,
        ax: Any = None,
    ) -> Any:
        """Draw what a classifier decides over two variables, and the rows of the fit.

        Each region has the colour of its most probable class, the deeper the surer; lines are the
        borders between them.

        Parameters
        ----------
        x, y : str
            Two variables of the data that are numbers.
        at : mapping, optional
            Values of other variables; those not given are at their mean or most frequent level.
        points : int
            Points of the grid in each direction.
        ax : matplotlib Axes, optional
            Where to draw; on axes of its own unless given.

        Returns
        -------
        The axes.

        Raises
        ------
        ModelError
            For a response without classes, and for variables that are factors.

        Examples
        --------
        >>> import statdl as sd
        >>> iris = sd.datasets.load("iris")
        >>> fit = sd.multinom("Species ~ Sepal.Width + Petal.Width", data=iris, penalty=0.1)
        >>> fit.plot_decision("Sepal.Width", "Petal.Width").get_title(loc="left")
        'Decision regions'
        """
        return plot.draw_decision(self.estimate, x, y, at, points, ax)


class NetworkPictures(Held):
    """What can be seen of a network."""

    def plot_network(self, ax: Any = None, *, biases: bool = False, most: int = 12) -> Any:
        """Draw the units and weights of the network.

        Blue lines are positive weights, vermillion lines negative ones, and the wider a line, the
        larger its weight; dashed lines skip the hidden layers. Weights are in the network's own
        units, those of the scaled inputs. Of a maxout unit the larger weight is drawn.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; on axes of its own unless given.
        biases : bool
            Draw the biases, as weights of a constant 1.
        most : int
            Units of a layer that are drawn; of a larger layer the first and the last are, and
            how many are left out is written between them.

        Returns
        -------
        The axes.

        Examples
        --------
        >>> import statdl as sd
        >>> net = sd.mlp("mpg ~ wt + hp", data=sd.datasets.load("mtcars"), hidden=2, decay=0.1)
        >>> len(net.plot_network().collections[0].get_linewidths())
        6
        """
        return plot.draw_network(self.estimate, ax, biases, most)

    def plot_history(self, ax: Any = None, *, metric: str | None = None) -> Any:
        """Draw the loss by epoch, of the rows learned from and of those held out.

        Where early stopping chose the weights, their epoch is marked. Of methods that are not
        training it is the loss by iteration, penalties included.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; on axes of its own unless given.
        metric : str, optional
            What to draw in place of the loss, such as "accuracy", as it is called in ``history``.

        Returns
        -------
        The axes.

        Examples
        --------
        >>> import statdl as sd
        >>> cars = sd.datasets.load("mtcars")
        >>> method = sd.GradientDescent(sd.Adam(0.1), batch=8, epochs=5, seed=0)
        >>> net = sd.mlp("mpg ~ wt", data=cars, hidden=2, method=method, seed=0)
        >>> net.plot_history().get_xlabel()
        'epoch'
        """
        return plot.draw_history(self.estimate, metric, ax)

    def plot_gradients(self, ax: Any = None) -> Any:
        """Draw how long each layer's part of the gradient is, by epoch, on a logarithmic scale.

        It is the gradient of the last batch of each epoch, before clipping. Where layers far from
        the output have gradients that are smaller by orders of magnitude, they hardly learn: with
        sigmoid units the gradient shrinks from layer to layer, σ' being 1/4 at most.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; on axes of its own unless given.

        Returns
        -------
        The axes.

        Raises
        ------
        ModelError
            Where the network was not trained by gradient descent.

        Examples
        --------
        >>> import statdl as sd
        >>> cars = sd.datasets.load("mtcars")
        >>> method = sd.GradientDescent(sd.Adam(0.1), batch=8, epochs=5, seed=0)
        >>> net = sd.mlp("mpg ~ wt", data=cars, hidden=(2, 2), method=method, seed=0)
        >>> [line.get_label() for line in net.plot_gradients().lines]
        ['hidden 1', 'hidden 2', 'output']
        """
        return plot.draw_gradients(self.estimate, ax)
