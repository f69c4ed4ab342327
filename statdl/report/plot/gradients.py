"""The picture of vanishing gradients: how long each layer's part of the gradient is."""

from __future__ import annotations

import math

from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.report.history import history_frame
from statdl.report.plot.style import Axes, beside, graded, picture, whole_numbers

PREFIX = "gradient_"


def draw_gradients(estimate: Estimate, ax: Axes | None) -> Axes:
    """Return axes with the norm of each layer's gradient by epoch, on a logarithmic scale."""
    frame = history_frame(estimate)
    layers = [name.removeprefix(PREFIX) for name in frame if name.startswith(PREFIX)]
    if "epoch" not in frame:
        raise ModelError(
            f"{estimate.convergence.method} keeps no gradients of single layers; train the network "
            "with method=sd.GradientDescent(...) to see them."
        )
    with picture(ax) as (axes, paper):
        epochs = frame["epoch"].to_numpy()
        mark = {"marker": "o", "markersize": 3.5} if len(epochs) <= 30 else {}
        for layer, colour in zip(layers, graded(len(layers), paper), strict=True):
            norms = frame[f"{PREFIX}{layer}"]
            shown = norms.where(norms > 0, math.nan)  # a logarithm of 0 has no place
            axes.plot(epochs, shown.to_numpy(), color=colour, label=_name(layer), **mark)
        axes.set_yscale("log")
        axes.set_xlabel("epoch")
        axes.set_ylabel("gradient norm, last batch of the epoch")
        axes.set_title(f"Gradient by layer: {_activations(estimate)}")
        whole_numbers(axes.xaxis)
        beside(axes, ax is None, "layer")
    return axes


def _name(layer: str) -> str:
    return layer.replace("hidden", "hidden ")


def _activations(estimate: Estimate) -> str:
    """Return the activations of the hidden layers, each once."""
    plan = estimate.specification.plan
    assert plan is not None
    names = dict.fromkeys(layer.activation.name for layer in plan.network.hidden)
    return ", ".join(names) or "no hidden layer"
