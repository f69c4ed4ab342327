"""Which fits can be made again, and which have a maximum to vary around."""

from __future__ import annotations

import numpy as np

from statdl.errors import DataError, ModelError
from statdl.estimate import Estimate, Identification, Specification
from statdl.model.network import Network
from statdl.model.objective import Objective
from statdl.model.predictor import Linear
from statdl.solve.descent import GradientDescent
from statdl.solve.training import Training


def plain_linear(objective: Objective) -> bool:
    """Tell whether η is X θ, with θ as :class:`~statdl.model.predictor.Linear` has it."""
    predictor = objective.predictor
    return isinstance(predictor, Linear) or (
        isinstance(predictor, Network) and not predictor.hidden
    )


def is_trained(estimate: Estimate) -> bool:
    """Tell whether the fit is a network trained by gradient descent."""
    specification = estimate.specification
    trained = isinstance(specification.solver, GradientDescent | Training)
    return trained and specification.plan is not None


def has_maximum(estimate: Estimate) -> bool:
    """Tell whether the fit has a finite maximum to start from."""
    known = (Identification.SINGULAR, Identification.UNEXAMINED)  # NaN for reasons of their own
    return estimate.identification in known or not bool(np.isnan(estimate.root).any())


def refuse_unbounded(estimate: Estimate) -> None:
    """Refuse a fit without a finite maximum, around which refits would have to vary."""
    refuse_unrepeatable(estimate)
    if is_trained(estimate):
        raise ModelError(
            "Refits go to the minimum of the loss, and a network trained by gradient descent need "
            "not be there; fit it with method='newton' or 'lbfgs'."
        )
    if not has_maximum(estimate):
        raise ModelError(
            "The fit has no finite maximum to start from, so that refits have none either: "
            f"{estimate.convergence.message}"
        )


def refuse_unrepeatable(estimate: Estimate) -> None:
    """Refuse a model that cannot be fitted again."""
    refuse_remembered(estimate)
    if is_trained(estimate):
        _refuse_chance(estimate)


def refuse_remembered(estimate: Estimate) -> None:
    """Refuse a model without rows."""
    if estimate.remembered is not None:
        raise DataError(
            "A model loaded from a file has no rows to fit again; fit it to its data first."
        )


def _refuse_chance(estimate: Estimate) -> None:
    """Refuse training that is more than steps along the gradients of batches."""
    specification = estimate.specification
    assert specification.plan is not None
    found = peculiarities(specification)
    found += ["several starts"] if specification.plan.restarts > 1 else []
    if found:
        raise ModelError(
            f"Many networks are trained at once by plain gradient descent, and this one has "
            f"{' and '.join(found)}; fit it with method='newton' or 'lbfgs', or train it without."
        )


def peculiarities(specification: Specification) -> list[str]:
    """Name what training has beside steps along the gradients of batches."""
    solver, practice, plan = specification.solver, specification.practice, specification.plan
    descent = solver.descent if isinstance(solver, Training) else solver
    assert isinstance(descent, GradientDescent)
    assert plan is not None
    hidden = plan.network.hidden
    reasons = {
        "early stopping or rows held out": practice.held_out is not None,
        "noise": practice.noise > 0,
        "dropout": any(one.dropout for one in hidden),
        "batch normalisation": any(one.normalisation == "batch" for one in hidden),
        "an L1 penalty": practice.lasso is not None and bool((practice.lasso > 0).any()),
        "a learning rate of its own": descent.used_rule.learning_rate is None,
    }
    return [name for name, there in reasons.items() if there]
