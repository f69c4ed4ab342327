"""What stands in the way of other launches than the usual, and of rounded products.

What a card is asked for in vain is said before any epoch. ``lesson`` is a
:class:`~statdl.model.lesson.Lesson`.
"""

from __future__ import annotations

from typing import Any

from statdl.backend.array import is_cupy, precision
from statdl.backend.epoch import ACTIVATIONS, MOST_PARAMETERS
from statdl.model.activation import Identity, ReLU, Sigmoid, Tanh
from statdl.model.categorical import Binomial, Multinomial
from statdl.model.exponential import Gaussian
from statdl.model.family import Family
from statdl.model.network import Network


def launch_obstacle(lesson: Any, launch: str) -> str | None:
    """Return why a lesson's epochs cannot be launched as ``launch`` says, or None."""
    found = card_obstacle(lesson) or _network_obstacle(lesson)
    return found or (_epoch_obstacle(lesson) if launch == "epoch" else None)


def products_obstacle(lesson: Any, launch: str) -> str | None:
    """Return why a lesson's products cannot be rounded, or None."""
    if launch == "epoch":
        return "launch='epoch' has no products of matrices to round"
    found = card_obstacle(lesson) or _precision_obstacle(lesson)
    if found is None and not lesson.quick:
        return "fixed weights, no hidden layer and normalised layers are left to full products"
    return found


def card_obstacle(lesson: Any) -> str | None:
    """Return why a lesson is not all on a card, or None."""
    if lesson.rows.passing:
        return "rows that are read in blocks are not all on the card"
    return None if is_cupy(lesson.rows.X) else "the data are not on a card"


def _precision_obstacle(lesson: Any) -> str | None:
    kinds = {precision(part.dtype) for part in (lesson.rows.X, lesson.rows.y)}
    if kinds == {"float32"}:
        return None
    return "the data are not in single precision (dtype='float32')"


def _network_obstacle(lesson: Any) -> str | None:
    """Return what there are no kernels for."""
    network = lesson.predictor
    if not isinstance(network, Network):
        return "some weights are fixed"
    if not network.hidden:
        return "there is no hidden layer"
    if lesson.noise or lesson.lasso is not None:
        return "noise and an L1 penalty are left to launch='plain'"
    if any(one.dropout or one.normalisation for one in network.hidden):
        return "dropout and normalised layers are left to launch='plain'"
    if not all(type(one.activation) in (Identity, ReLU, Tanh, Sigmoid) for one in network.hidden):
        return f"activations are to be of {', '.join(ACTIVATIONS)}"
    if family_name(lesson.family) is None:
        return "the family is to be gaussian, binomial (logit) or multinomial"
    return None


def _epoch_obstacle(lesson: Any) -> str | None:
    """Return what the kernel of a whole epoch is too small for."""
    network = lesson.predictor
    if network.size > MOST_PARAMETERS:
        return f"{network.size} weights are more than {MOST_PARAMETERS}"
    if network.skip:
        return "skip connections are left to the other launches"
    return _precision_obstacle(lesson)


def family_name(family: Family) -> str | None:
    """Return what kernels call a family, or None where they do not know it."""
    if isinstance(family, Multinomial):
        return "multinomial"
    if isinstance(family, Gaussian | Binomial) and family.canonical:
        return "gaussian" if isinstance(family, Gaussian) else "binomial"
    return None
