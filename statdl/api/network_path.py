"""The front doors of paths of networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from statdl.api.arguments import is_number, whole
from statdl.api.training import by_layer
from statdl.errors import ModelError
from statdl.lazy import lazy
from statdl.results import NetworkFit
from statdl.results.network_path import NetworkDecayPath, NetworkInputPath
from statdl.study.network_path import decay_path as follow_decay
from statdl.study.network_path import input_path as follow_inputs

np = lazy("numpy")


def decay_path(
    net: NetworkFit,
    decays: Sequence[float] | None = None,
    *,
    held_out: float = 0.25,
    seed: int = 0,
    progress: bool = True,
) -> NetworkDecayPath:
    """Fit a network along a path of weight decay, each fit starting where the last one ended.

    Parameters
    ----------
    net : NetworkFit
        The network, its data and its solver; the first fit has its restarts.
    decays : sequence of float, optional
        λ ≥ 0 of all layers, by default 13 values from 100 to 1e-4 in equal steps of log λ.
    held_out : float
        The share of rows, drawn with ``seed``, that fits do not see and the validation loss is of;
        0 for none.

    Returns
    -------
    NetworkDecayPath, with ``table``, ``plot()``, ``best()``.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> net = sd.mlp("mpg ~ wt + hp", data=cars, hidden=2, decay=0.1)
    >>> path = sd.decay_path(net, [10, 1, 0.1], held_out=0)
    >>> bool((path.found.loss[1:] <= path.found.loss[:-1]).all())
    True
    """
    _check_network(net, "decay_path")
    values = np.logspace(2, -4, 13) if decays is None else _numbers("decays", decays)
    if values.ndim != 1 or not len(values) or not ((values >= 0) & np.isfinite(values)).all():
        raise ModelError(f"decays must be numbers of 0 or more, one at least, not {decays!r}.")
    if not (is_number(held_out) and 0 <= held_out < 1):
        raise ModelError(f"held_out is a share of the rows, from 0 to below 1, not {held_out!r}.")
    pattern = by_layer(net.plan.network, 1.0, "decay")
    falling = np.sort(values)[::-1].tolist()
    found = follow_decay(net.estimate, pattern, falling, float(held_out), seed, progress)
    return NetworkDecayPath(found, net.call)


def input_path(
    net: NetworkFit,
    strengths: Sequence[float] | None = None,
    *,
    n: int = 30,
    ratio: float = 1e-2,
    progress: bool = True,
) -> NetworkInputPath:
    """Let the inputs of a fitted network leave one by one.

    J(θ)/Σw + μ Σ_j ‖w_j‖ is minimised for growing μ from warm starts, w_j being all weights that
    leave the columns of term j: a proximal step makes them 0 together, and the input is out. J is
    the loss of the fit, its decay included.

    Parameters
    ----------
    net : NetworkFit
        Where the path starts.
    strengths : sequence of float, optional
        Values of μ; by default in ``n`` steps from ``ratio`` times the least μ that the most useful
        input cannot be worth, on until every input is out.

    Returns
    -------
    NetworkInputPath, with ``order``, ``table`` and ``plot()``.

    References
    ----------
    Scardapane et al. (2017), Neurocomputing 241, 81.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> net = sd.mlp("mpg ~ wt + qsec + drat", data=cars, hidden=2, decay=0.5)
    >>> path = sd.input_path(net)
    >>> path.order[-1][0]
    'wt'
    """
    _check_network(net, "input_path")
    values = None
    if strengths is not None:
        values = np.sort(np.atleast_1d(_numbers("strengths", strengths))).tolist()
        if not values or not all(0 <= value < float("inf") for value in values):
            raise ModelError(f"strengths must be numbers of 0 or more, not {strengths!r}.")
    if not (is_number(ratio) and 0 < ratio < 1):
        raise ModelError(f"ratio is between 0 and 1, not {ratio!r}.")
    found = follow_inputs(net.estimate, whole("n", n, 2), float(ratio), values, progress)
    return NetworkInputPath(found)


def _numbers(name: str, given: Any) -> Any:
    try:
        return np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise ModelError(f"{name} must be numbers of 0 or more, not {given!r}.") from None


def _check_network(net: Any, name: str) -> None:
    if not isinstance(net, NetworkFit):
        raise ModelError(f"{name}() is for networks fitted by mlp(); for regressions see path().")
