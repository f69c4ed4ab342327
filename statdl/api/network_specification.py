"""From the arguments of a network to its specification: family, layers, decay, scaling, solver."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from statdl.api.arguments import finite, layer_sizes, strengths, truth, whole
from statdl.api.data import read
from statdl.api.named_weights import held_weights, starting_weights
from statdl.api.scaling import SCALINGS, input_scaling
from statdl.api.training import (
    TrainingOptions,
    by_layer,
    held_out,
    network_solver,
    practice,
    refuse_of_scan,
)
from statdl.api.words import as_activation, as_family, as_initial, is_multinomial
from statdl.errors import ModelError, StatdlWarning, warn
from statdl.estimate import Plan, Specification, specify
from statdl.formula import ModelFrame, Response
from statdl.model.activation import Activation
from statdl.model.categorical import Binomial, Multinomial
from statdl.model.exponential import Gaussian
from statdl.model.family import Family
from statdl.model.layer import Hidden, Normalisation
from statdl.model.link import Link
from statdl.model.network import Network
from statdl.model.penalty import Ridge
from statdl.scan.opening import is_lazy
from statdl.solve.trust import TrustRegion

#: The arguments that say what the rows are, and how they are coded.
ROWS = (
    "formula", "data", "family", "link", "X", "y", "names", "intercept", "weights", "offset",
    "subset", "na_action", "reference", "device", "dtype",
)  # fmt: skip


def network_specification(
    arguments: Mapping[str, Any], read_rows: Callable[[], Specification] | None = None
) -> Specification | None:
    """Return what ``mlp`` fits; None where that is a regression, without hidden layers.

    ``read_rows`` is :func:`rows_specified` of these arguments, unless the rows are known already.
    """
    units = layer_sizes(arguments["hidden"])
    _check(arguments)
    if not units:
        _check_without_layers(arguments)
    options = TrainingOptions.of(arguments)
    if is_lazy(arguments["data"]):
        refuse_of_scan(arguments, options)
    named = any(arguments[name] is not None for name in ("start", "fixed"))
    if not units and not named and not options.needing_descent(None):
        return None
    rows = rows_specified(arguments) if read_rows is None else read_rows()
    specification = _specified(rows, arguments, units, options)
    _warn_overparameterised(specification)
    return specification


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


def read_network(arguments: Mapping[str, Any]) -> tuple[ModelFrame, Family]:
    """Return the data, and the family asked for or the one that the response suggests."""
    family, link = arguments["family"], arguments["link"]
    frame = read(arguments, classes=_values_matter(family, link))
    return frame, _suggested(frame.response, family, link)


def rows_specified(arguments: Mapping[str, Any]) -> Specification:
    """Return the rows and the family, before there is a network: by the arguments ``ROWS``."""
    frame, family = read_network(arguments)
    place = {name: arguments[name] for name in ("reference", "device", "dtype")}
    return specify(frame, family, TrustRegion(), **place)


def _specified(
    rows: Specification,
    arguments: Mapping[str, Any],
    units: Sequence[int],
    options: TrainingOptions,
) -> Specification:
    """Return the network to be fitted: its plan, what training has besides, and the solver."""
    specification, watched = held_out(rows, options, arguments)
    network = _network(specification, units, arguments)
    plan = _plan(specification, network, arguments)
    practised = practice(
        specification, options, network, None if watched is None else plan.scaled_rows(watched)
    )
    penalised = (plan.decay > 0).any() or (practised.lasso > 0).any()
    specification = replace(
        specification,
        plan=plan,
        practice=practised,
        rows=plan.scaled_rows(specification.rows),
        penalty=Ridge(1.0) if penalised else specification.penalty,
        solver=network_solver(
            arguments["method"], options, network, specification.rows.n, arguments["seed"]
        ),
    )
    start = starting_weights(specification, arguments["start"])
    fixed = held_weights(specification, arguments["fixed"], start)
    return replace(specification, plan=replace(plan, fixed=fixed, start=start))


def _network(
    specification: Specification, units: Sequence[int], arguments: Mapping[str, Any]
) -> Network:
    inputs = specification.rows.template.shape[1]
    if units and not inputs:
        raise ModelError(
            "A network needs an input, and the model has no column; hidden=() is the intercept "
            "alone."
        )
    network = Network(
        inputs=inputs,
        hidden=_layers(
            units,
            arguments["activation"],
            arguments["normalisation"],
            finite("dropout", arguments["dropout"]),
        ),
        outputs=specification.family.outputs,
        intercept=specification.intercept,
        skip=arguments["skip"],
    )
    _refuse_huge(network)
    _refuse_same_names(specification, network)
    return network


def _plan(specification: Specification, network: Network, arguments: Mapping[str, Any]) -> Plan:
    centre, spread = input_scaling(specification, arguments["scaling"], arguments["start"])
    return Plan(
        network=network,
        decay=_decay(network, arguments["decay"], spread),
        centre=centre,
        spread=spread,
        restarts=int(arguments["restarts"]),
        seed=int(arguments["seed"]),
        initial=as_initial(arguments["initial"]),
    )


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


def _values_matter(family: str | Family | None, link: str | Link | None) -> bool:
    """Tell whether the family looks at which values a response of numbers has."""
    if family is None or is_multinomial(family):
        return family is not None
    return not as_family(family, link).quadratic


def _suggested(response: Response, family: str | Family | None, link: str | Link | None) -> Family:
    """Return the family asked for, or the one the response suggests."""
    if is_multinomial(family):
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


def _warn_overparameterised(specification: Specification) -> None:
    plan = specification.plan
    assert plan is not None
    n = specification.rows.n
    free = plan.network.size if plan.fixed is None else int((plan.fixed != plan.fixed).sum())
    if free > n and not (plan.decay > 0).any():
        warn(
            f"The network has {free} weights for {n} rows and no decay: its weights are "
            "not identified. Use fewer units or decay=, such as 0.01.",
            StatdlWarning,
        )
