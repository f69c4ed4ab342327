"""The front door ``mlp``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from statdl.api.arguments import strengths
from statdl.api.network_specification import network_specification, read_network
from statdl.api.regression import fit_regression
from statdl.estimate import estimate
from statdl.keywords import explained
from statdl.model.activation import Activation
from statdl.model.family import Family
from statdl.model.initial import Initial
from statdl.model.layer import Normalisation
from statdl.model.link import Link
from statdl.results import Call, Fit, NetworkFit
from statdl.solve.checkpoint import Checkpoint
from statdl.solve.iterate import Solver


@explained
def mlp(
    formula: str | None = None,
    data: Any = None,
    family: str | Family | None = None,
    *,
    hidden: int | Sequence[int] = (8,),
    activation: str | Activation | Sequence[str | Activation] = "tanh",
    decay: float | Sequence[float] = 0.0,
    skip: bool = False,
    link: str | Link | None = None,
    X: Any = None,
    y: Any = None,
    names: Sequence[str] | None = None,
    intercept: bool = True,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "drop",
    reference: Any = None,
    scaling: str | None = "standard",
    normalisation: Normalisation | None = None,
    dropout: float = 0.0,
    initial: str | Initial | None = None,
    noise: float = 0.0,
    l1: float | Sequence[float] = 0.0,
    validation: Any = None,
    early_stopping: bool | int = False,
    metrics: Sequence[str] | None = None,
    checkpoint: Checkpoint | str | Path | None = None,
    resume: str | Path | bool | None = None,
    start: Any = None,
    fixed: Mapping[str, float] | Sequence[str] | None = None,
    restarts: int = 1,
    seed: int = 0,
    method: str | Solver | None = None,
    device: str | None = None,
    dtype: str | None = None,
) -> NetworkFit:
    """Fit a multilayer perceptron by maximum likelihood.

    η = W_{L+1} a_L + b with a_l = f(W_l a_{l−1} + b_l) and a_0 = x; the response has the family's
    distribution with mean g⁻¹(η). J = −log L + ½ Σ λ w², biases unpenalised. Parameters not listed
    here and what is raised are those of :func:`lm`.

    Parameters
    ----------
    family : str or Family, optional
        Any family of :func:`glm`, or "multinomial", by name or as an object of ``sd.families``; by
        default what the response suggests: classes and truth values binomial or multinomial,
        numbers (0/1 as well) gaussian.
    hidden : int or sequence of int
        Units of each hidden layer; () is the regression itself.
    activation : str or Activation, or one for each layer
        "tanh", "sigmoid", "relu", "softplus", "gelu", "silu", …
    decay : float or one for each layer of weights
        λ ≥ 0, weight decay (nnet's decay is half of it), of weights of scaled inputs; without
        hidden layers of the coefficients of the inputs as given, as ``penalty`` of :func:`glm`.
    skip : bool
        Whether the inputs also enter the output layer.
    scaling : {"standard", "minmax", "none"}
        How inputs are scaled inside the model; predictions take raw data.
    normalisation : {"batch", "layer", "weight"}, optional
        Normalise the hidden layers: their pre-activations, over the batch or over the units of a
        row, or their weights, ``w = g v/‖v‖``, which is another way to the same fits: decay counts
        the scales, Σ g² = Σ w², and weights are reported as directions of length 1 and scales.
    dropout : float
        Share of units left out in training by gradient descent.
    noise : float
        Standard deviation of the noise that training by gradient descent adds to scaled inputs.
    l1 : float or one for each layer of weights
        λ ≥ 0 of ``Σ λ |w|``, by gradient descent: many weights become exactly 0.
    validation : float, (X, y), frame or Scan, optional
        Rows that are watched and not learned from: a share of the rows, of each class by itself,
        or data of their own. A share of a scan is drawn row by row, by a hash of ``seed`` and the
        number of the row in its file.
    early_stopping : bool or int
        Stop when the validation loss has not fallen for 10 epochs, or as many as are given, and
        keep the weights of the best epoch.
    metrics : sequence of str, optional
        What the history has beside the loss: "accuracy" (for classes, unless others are named),
        "mse", "mae".
    checkpoint : Checkpoint or path, optional
        Where training is saved as it goes.
    resume : path or True, optional
        The checkpoint to go on from; True is that of ``checkpoint``. The weights become those of
        a run that was never interrupted.
    initial : str or Initial, optional
        Rule for initial weights; by default He's for rectifiers, else Xavier's.
    start : Fit or dict of named weights, optional
        Where the first start begins; what it does not name is drawn. A network's inputs keep the
        scaling they had in the one it starts from, so that its weights mean the same.
    fixed : dict of name to value, or sequence of str, optional
        Weights, of inputs as the model scales them, held at values, such as ``{"bias -> y": 0.0}``;
        or names of those that stay what they are in ``start``, such as ``["* -> h1.*"]`` for a
        layer of another network.
    restarts : int
        Random starts, of which the best is kept.
    seed : int
        Seed of the starts.
    method : str or Solver, optional
        "newton" (trust region), "gauss-newton", "lbfgs", or "gd" or an object such as
        ``sd.GradientDescent(sd.Adam(1e-3), batch=32, epochs=100)``.

    Returns
    -------
    NetworkFit
        Or, without hidden layers, the :class:`Fit` of the regression that the network is.

    See Also
    --------
    select_hidden : How many units.
    hidden_layer_test : Whether any.
    GradientDescent : Training by batches.

    References
    ----------
    Bishop (2006), Pattern Recognition and Machine Learning, ch. 5; White (1989), Neural Computation
    1.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> net = sd.mlp("mpg ~ wt + hp", data=cars, hidden=2, decay=0.1, restarts=3)
    >>> net.converged
    True
    """
    arguments = locals()
    specification = network_specification(arguments)
    if specification is None:
        # declared as a network, which it nearly always is, so that editors know what fits have
        return cast(NetworkFit, _regression(arguments))
    return NetworkFit(estimate(specification), Call(mlp, arguments))


def _regression(arguments: Mapping[str, Any]) -> Fit:
    """Fit a network without hidden layers as the regression it is."""
    frame, family = read_network(arguments)
    method = arguments["method"]
    if method is None and family.name != "multinomial":
        method = "ls" if family.quadratic else "irls"
    (strength,) = strengths("decay", arguments["decay"])
    return fit_regression(Call(mlp, dict(arguments)), frame, family, method, strength or None)
