"""What a model is about, in words: its response, its kind, and when its numbers cannot be read."""

from __future__ import annotations

from statdl.estimate import Estimate
from statdl.report.reading.words import Reading, counted, listed, value
from statdl.solve.iterate import Outcome

#: Names in names of families and methods, which keep their capitals.
PROPER = ("Poisson", "Gaussian", "Fisher", "Newton", "L-BFGS", "Gauss", "IRLS")
#: Outcomes of training that are not the minimum which errors and tests presume.
TRAINED = (Outcome.EPOCHS, Outcome.EARLY)


def response(estimate: Estimate) -> str:
    """Return the name of the response."""
    return str(estimate.frame.response.name)


def event(estimate: Estimate, what: str = "the probability") -> str:
    """Return what a binomial model is of: the probability of something, or its odds."""
    levels = estimate.specification.levels
    if len(levels) != 2:
        return f"{what} behind the share {response(estimate)}"
    if estimate.frame.response.kind == "counts":
        return f"{what} of {levels[1]}"
    return f"{what} that {response(estimate)} is {levels[1]}"


def mean(estimate: Estimate, label: str = "") -> str:
    """Return the mean that a model is for; ``label`` is the class where there are several."""
    if label:
        return f"the probability of {label}"
    if estimate.family.has_classes:
        return event(estimate)
    return f"the mean of {response(estimate)}"


def kind(estimate: Estimate) -> str:
    """Return what sort of regression it is."""
    family = estimate.family
    if estimate.specification.least_squares:
        return "linear regression"
    if family.name == "multinomial":
        return "multinomial (softmax) regression"
    if family.name == "binomial" and family.link.name == "logit":
        return "logistic regression"
    named = next((one for one in PROPER if one.lower() == family.name), family.name)
    return f"{named} regression with the {family.link.name} link"


def method(estimate: Estimate) -> str:
    """Return how the estimate was found, as it stands within a sentence."""
    name = estimate.convergence.method
    return name if name.startswith(PROPER) else name[:1].lower() + name[1:]


def opening(estimate: Estimate) -> Reading:
    """Return what was fitted, and to what."""
    words = kind(estimate)
    text = (
        f"{'An' if words[0] in 'aeio' else 'A'} {words} for {_subject(estimate)}, fitted to "
        f"{counted(estimate.nobs, 'row')} by {method(estimate)}."
    )
    return Reading("Model", " ".join([text, *_rows(estimate, estimate.frame.dropped)]))


def _subject(estimate: Estimate) -> str:
    if estimate.family.name != "multinomial":
        return mean(estimate)
    first, *others = estimate.specification.levels
    return f"{response(estimate)}, whose classes {listed(others)} are compared with {first}"


def _rows(estimate: Estimate, dropped: int) -> list[str]:
    said = []
    if estimate.frame.weights is not None:
        said.append(f"Rows have weights, {value(estimate.total_weight, 4)} in all.")
    if dropped:
        were = "was" if dropped == 1 else "were"
        said.append(f"{counted(dropped, 'row')} {were} left out for missing values.")
    return said


def unreadable(estimate: Estimate) -> Reading | None:
    """Return why coefficients are not to be read, where the fit is no maximum."""
    record = estimate.convergence
    if record.converged:
        return None
    separated = record.outcome is Outcome.SEPARATION and record.notes
    reasons = record.notes if separated else (record.message, *record.notes)
    return Reading(
        "Not an estimate",
        " ".join(
            (
                *reasons,
                "The numbers of this fit are where the solver stopped, so that no sentence is made "
                "of its coefficients and tests.",
            )
        ),
    )
