"""The front door ``mlp``."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast, get_args

from statdl.api.arguments import (
    finite,
    layer_sizes,
    several_names,
    strengths,
    truth,
    weights_by_name,
    whole,
)
from statdl.api.data import read
from statdl.api.keywords import front_door
from statdl.api.regression import fit_regression
from statdl.api.scaling import SCALINGS, input_scaling
from statdl.api.training import (
    Wishes,
    by_layer,
    held_out,
    network_solver,
    practice,
    refuse_of_scan,
)
from statdl.api.words import as_activation, as_family, as_initial, lookup
from statdl.backend.random import zeros
from statdl.errors import ModelError, StatdlWarning, warn
from statdl.estimate import Plan, Specification, estimate, specify
from statdl.formula import Response
from statdl.model.activation import Activation
from statdl.model.categorical import Binomial, Multinomial
from statdl.model.exponential import Gaussian
from statdl.model.family import Family
from statdl.model.initial import Initial
from statdl.model.layer import Hidden, Normalisation
from statdl.model.link import Link
from statdl.model.network import Network
from statdl.model.penalty import Ridge
from statdl.results import Call, Fit, NetworkFit
from statdl.scan.opening import is_lazy
from statdl.solve.checkpoint import Checkpoint
from statdl.solve.iterate import Solver
from statdl.solve.trust import TrustRegion


@front_door
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
    fixed : dict of name to value, or sequence of names, optional
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
    units = layer_sizes(hidden)
    _check(arguments)
    if not units:
        _check_without_layers(arguments)
    wishes = Wishes.of(arguments)
    if is_lazy(data):
        refuse_of_scan(arguments, wishes)
    if not units and start is None and fixed is None and not wishes.named(None):
        # declared as a network, which it nearly always is, so that editors know what fits have
        return cast(NetworkFit, _regression(arguments, family, link, decay, method))
    frame = read(arguments, classes=_looks(family, link))
    chosen = _suggested(frame.response, family, link)
    specification = specify(
        frame, chosen, TrustRegion(), reference=reference, device=device, dtype=dtype
    )
    specification, watched = held_out(specification, wishes, arguments)
    if units and not specification.rows.template.shape[1]:
        raise ModelError(
            "A network needs an input, and the model has no column; hidden=() is the intercept "
            "alone."
        )
    network = Network(
        inputs=specification.rows.template.shape[1],
        hidden=_layers(units, activation, normalisation, finite("dropout", dropout)),
        outputs=specification.family.outputs,
        intercept=specification.intercept,
        skip=skip,
    )
    _refuse_huge(network)
    _refuse_same_names(specification, network)
    centre, spread = input_scaling(specification, scaling, start)
    plan = Plan(
        network=network,
        decay=_decay(network, decay, spread),
        centre=centre,
        spread=spread,
        restarts=int(restarts),
        seed=int(seed),
        initial=as_initial(initial),
    )
    if watched is not None:
        watched = plan.scaled_rows(watched)
    practised = practice(specification, wishes, network, watched)
    penalised = (plan.decay > 0).any() or (practised.lasso > 0).any()
    specification = replace(
        specification,
        plan=plan,
        practice=practised,
        rows=plan.scaled_rows(specification.rows),
        penalty=Ridge(1.0) if penalised else specification.penalty,
    )
    started = _started(specification, start)
    plan = replace(plan, fixed=_held(specification, fixed, started), start=started)
    solver = network_solver(method, wishes, network, specification.rows.n, seed)
    specification = replace(specification, plan=plan, solver=solver)
    _warn_overparameterised(specification, network)
    fitted = estimate(specification)
    return NetworkFit(fitted, Call(mlp, arguments))


def _check(arguments: Mapping[str, Any]) -> None:
    """Refuse what is no number, truth value or name where one is needed."""
    scaling = arguments["scaling"]
    if scaling not in (*SCALINGS, None):
        raise ModelError(f"scaling={scaling!r} is not known; choose one of {', '.join(SCALINGS)}.")
    whole("restarts", arguments["restarts"], 1)
    whole("seed", arguments["seed"], 0)
    truth("skip", arguments["skip"])
    truth("intercept", arguments["intercept"])
    strengths("decay", arguments["decay"])


def _check_without_layers(arguments: Mapping[str, Any]) -> None:
    """Refuse what is for hidden layers, of which there are none."""
    for name, none in (("dropout", 0.0), ("normalisation", None)):
        if arguments[name] != none:
            raise ModelError(
                f"{name}={arguments[name]!r} is for hidden layers, and hidden=() has none; leave "
                "it out."
            )
    given = arguments["activation"]
    if not isinstance(given, str | Activation):
        raise ModelError(f"activation={given!r} is for hidden layers, and hidden=() has none.")
    as_activation(given)
    as_initial(arguments["initial"])
    count = len(strengths("decay", arguments["decay"]))
    if count != 1:
        raise ModelError(f"{count} decays were given for 1 layer of weights.")


def _decay(network: Network, decay: float | Sequence[float], spread: Any) -> Any:
    """Return λ of each parameter.

    Without hidden layers it is the ridge of the regression, whose coefficients are those of the
    inputs as given: with w = β s, λ β² = (λ/s²) w².
    """
    values = by_layer(network, decay, "decay")
    if network.hidden or spread is None:
        return values
    weights = next(block for block in network.layout if block.kind == "weights")
    for row in range(weights.shape[0]):
        first = weights.start + row * weights.stride
        values[first : first + len(spread)] /= spread**2
    return values


def _regression(
    arguments: Mapping[str, Any],
    family: str | Family | None,
    link: str | Link | None,
    decay: float | Sequence[float],
    method: str | Solver | None,
) -> Fit:
    """Fit a network without hidden layers as the regression it is."""
    frame = read(arguments, classes=_looks(family, link))
    chosen = _suggested(frame.response, family, link)
    strength = next(iter(strengths("decay", decay)), 0.0)
    if method is None and chosen.name != "multinomial":
        method = "ls" if chosen.quadratic else "irls"
    return fit_regression(Call(mlp, arguments), frame, chosen, method, strength or None)


def _looks(family: str | Family | None, link: str | Link | None) -> bool:
    """Tell whether the family looks at which values a response of numbers has."""
    if family is None or _is_multinomial(family):
        return family is not None
    return not as_family(family, link).quadratic


def _is_multinomial(family: str | Family | None) -> bool:
    return isinstance(family, str) and family.lower() in ("multinomial", "multinoulli", "softmax")


def _suggested(response: Response, family: str | Family | None, link: str | Link | None) -> Family:
    """Return the family asked for, or the one the response suggests."""
    if _is_multinomial(family):
        family = Multinomial()
    if family is not None:
        return as_family(family, link)
    if response.kind == "numeric" and not response.truth:
        return as_family(Gaussian(), link)
    two = response.truth or len(response.levels) == 2
    return as_family(Binomial() if two else Multinomial(), link)


def _layers(
    units: Sequence[int],
    activation: Any,
    normalisation: Normalisation | None,
    dropout: float,
) -> tuple[Hidden, ...]:
    if normalisation not in (None, *get_args(Normalisation)):
        raise ModelError(
            f"normalisation={normalisation!r} is not known; choose batch, layer or weight."
        )
    if isinstance(activation, str | Activation):
        activation = [activation] * len(units)
    given = list(activation) if isinstance(activation, Sequence) else [activation] * len(units)
    if len(given) != len(units):
        raise ModelError(f"{len(given)} activations were given for {len(units)} hidden layers.")
    return tuple(
        Hidden(int(count), as_activation(each), normalisation, dropout)
        for count, each in zip(units, given, strict=True)
    )


def _refuse_huge(network: Network) -> None:
    """Raise for weights that memory cannot hold, before it is asked for."""
    if network.size < 10**8 or not hasattr(os, "sysconf"):
        return
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    needed = 8 * 4 * network.size  # weights, their gradient, and what a rule remembers
    if needed > there:
        raise ModelError(
            f"hidden= makes {network.size:,} weights, whose training takes {needed / 1e9:,.0f} GB "
            f"at least, and this machine has {there / 1e9:,.0f} GB of memory; use fewer units."
        )


def _refuse_same_names(specification: Specification, network: Network) -> None:
    """Raise where a column has the name of a unit or of a bias, so that weights share a name."""
    inputs, outputs = specification.frame.design.names, specification.output_names
    units = {unit for layer in range(len(network.hidden)) for unit in network.unit_names(layer)}
    taken = [name for name in (*inputs, *outputs) if name in units or name == "bias"]
    if not taken:  # then no two weights can share a name, and a large network need not list them
        return
    names = network.parameter_names(inputs, outputs)
    shared = next((name for name, times in Counter(names).items() if times > 1), None)
    if shared is None:
        return
    raise ModelError(
        f"{taken[0]!r} is also what the network calls a unit or a bias, so that two weights would "
        f"be {shared!r}; give the column another name."
    )


def _held(specification: Specification, fixed: Any, started: Any) -> Any:
    """Return the value of every held parameter, NaN where it is free."""
    if not fixed:
        return None
    if started is not None and not isinstance(fixed, Mapping):
        held = _as_started(specification, several_names("fixed", fixed), started)
    else:
        held = _by_name(specification, weights_by_name("fixed", fixed), _nowhere(specification))
    if (held == held).all():
        raise ModelError("fixed= holds every weight of the network, and leaves nothing to fit.")
    return held


def _as_started(specification: Specification, patterns: Sequence[str], started: Any) -> Any:
    """Return the weights that patterns name where training starts with them, NaN elsewhere."""
    chosen = _by_name(specification, dict.fromkeys(patterns, 1.0), _nowhere(specification)) == 1
    unknown = chosen & (started != started)
    if unknown.any():
        name = specification.coefficient_names[int(unknown.argmax())]
        raise ModelError(
            f"fixed= holds {name!r} where start= has it, and start= does not name it; give its "
            f"value, as by fixed={{{name!r}: 0.0}}."
        )
    held = _nowhere(specification)
    held[chosen] = started[chosen]
    return held


def _started(specification: Specification, start: Any) -> Any:
    """Return starting values from another fit or from names, NaN for weights it does not name."""
    if start is None:
        return None
    assert specification.plan is not None
    if isinstance(start, Fit):
        names = set(specification.coefficient_names)
        start = {name: value for name, value in _weights_of(start).items() if name in names}
        if not start:
            raise ModelError("start= is a fit that shares no weight names with this network.")
    return _by_name(specification, weights_by_name("start", start), _nowhere(specification))


def _nowhere(specification: Specification) -> Any:
    """Return NaN for every weight, (P,): no value is given."""
    return zeros(len(specification.coefficient_names)) + float("nan")


def _weights_of(fit: Fit) -> dict[str, float]:
    """Return a fit's weights by name; of weight-normalised layers g v/‖v‖, and no scales."""
    estimate = fit.estimate
    names, values = list(estimate.specification.coefficient_names), estimate.all_parameters
    plan = estimate.specification.plan
    if plan is None:
        return dict(zip(names, values, strict=True))
    network = plan.network
    scales = {place for layer in network.directed for place in layer.scale_places}
    named = zip(names, network.plain(values), strict=True)
    return {name: value for place, (name, value) in enumerate(named) if place not in scales}


def _by_name(specification: Specification, given: Mapping[str, float], values: Any) -> Any:
    names = specification.coefficient_names
    for name, value in given.items():
        # a name as it is, brackets and all, before it is read as a pattern
        matches = [j for j, known in enumerate(names) if known == name]
        matches = matches or [j for j, known in enumerate(names) if fnmatchcase(known, name)]
        if not matches:
            lookup(name, dict.fromkeys(names), "weight")
        values[matches] = float(value)
    return values


def _warn_overparameterised(specification: Specification, network: Network) -> None:
    plan = specification.plan
    assert plan is not None
    n = specification.rows.n
    free = network.size if plan.fixed is None else int((plan.fixed != plan.fixed).sum())
    if free > n and not (plan.decay > 0).any():
        warn(
            f"The network has {free} weights for {n} rows and no decay: its weights are "
            "not identified. Use fewer units or decay=, such as 0.01.",
            StatdlWarning,
        )
