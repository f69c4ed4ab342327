"""Whether predictors separate the response: asked of the data of a fit, by linear programming."""

from __future__ import annotations

from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.estimate.separation import Separation, can_separate
from statdl.estimate.separation import separation as search


def separation(estimate: Estimate) -> Separation | None:
    """Return how the columns separate the response, None where they do not.

    It is a matter of the data alone: whatever the fit was penalised by plays no part.

    Raises
    ------
    ModelError
        For networks, and for families whose mean has no end that lies at infinity.
    """
    if estimate.specification.plan is not None:
        raise ModelError(
            "Separation is by a linear predictor, and a network has none; ask the regression on "
            "the same inputs."
        )
    if not can_separate(estimate.objective):
        raise ModelError(
            f"A response of the {estimate.family.name} family with the "
            f"{estimate.family.link.name} link cannot be separated: separation is for classes, and "
            "for counts with a log link, whose mean reaches an end only at infinity."
        )
    return search(estimate.objective)
