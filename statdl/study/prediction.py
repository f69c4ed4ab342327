"""Predictions whose limits come from refits: the bootstrap of cases, split conformal, CV+."""

from __future__ import annotations

from dataclasses import dataclass, replace

from statdl.backend.array import Array
from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.infer.predict import Prediction, check
from statdl.study.bootstrap import bootstrap_prediction
from statdl.study.conformal import conformal_prediction

METHODS = ("delta", "bootstrap", "conformal", "cv+")


@dataclass(frozen=True)
class Resampling:
    """How refits are made: B resamples, a seed, the folds of CV+."""

    B: int = 200
    seed: int = 0
    folds: int = 10


def resampled_prediction(
    estimate: Estimate,
    X: Array,
    offset: Array | None,
    method: str,
    resampling: Resampling,
    *,
    scale: str = "response",
    se_fit: bool = False,
    interval: str | None = None,
    level: float = 0.95,
) -> Prediction:
    """Predict inputs X, (m, p), with limits and errors from refits.

    Raises
    ------
    ModelError
        For an unknown method, or an interval that the method does not have.
    """
    if method not in METHODS:
        raise ModelError(f"method={method!r} is not known; choose one of {', '.join(METHODS)}.")
    if scale not in ("response", "link"):
        raise ModelError(f"method={method!r} is for type='response' and type='link'.")
    seed = resampling.seed
    if method == "bootstrap":
        check(estimate, scale, se_fit, interval)
        found = bootstrap_prediction(
            estimate, X, offset, scale=scale, interval=interval, level=level,
            B=resampling.B, seed=seed,
        )  # fmt: skip
        found = found if se_fit or interval is None else replace(found, standard_error=None)
        return found if interval is not None else replace(found, lower=None, upper=None)
    if scale != "response" or se_fit or interval == "confidence":
        raise ModelError(
            f"method={method!r} gives limits of a new response: use interval='prediction', "
            "type='response' and no se_fit."
        )
    kind = "split" if method == "conformal" else "cv+"
    return conformal_prediction(
        estimate, X, offset, kind=kind, level=level, seed=seed, folds=resampling.folds
    )
