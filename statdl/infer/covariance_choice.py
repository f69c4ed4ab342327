"""Which covariance of the coefficients is asked for: its kind, and what that needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from statdl.errors import ModelError
from statdl.kinds import is_whole

#: By the information; from rows that vary each by its own; from rows that vary together; by refits.
MODEL_KINDS = ("classical", "hessian", "fisher")
ROBUST_KINDS = ("sandwich", "HC0", "HC1", "HC2", "HC3", "HC4")
KINDS = (*MODEL_KINDS, *ROBUST_KINDS, "cluster", "HAC", "bootstrap")
CORRECTIONS = ("full", "groups", "none")
SCHEMES = ("pairs", "residual", "wild", "cluster")


@dataclass(frozen=True)
class Covariance:
    """Which covariance of the coefficients to use, with what it needs to know.

    Parameters
    ----------
    type : str
        "classical" (the model's own), "hessian", "fisher"; "HC0" (= "sandwich"), "HC1", "HC2",
        "HC3", "HC4" for rows of unequal variance; "cluster"; "HAC"; "bootstrap".
    cluster : optional
        What rows belong together, for "cluster" and "bootstrap": a column of the data, a formula
        such as ``"~ firm"`` or (two ways) ``"~ firm + year"``, or a vector with one entry a row.
    correction : {"full", "groups", "none"}, optional
        For small samples. "cluster": G/(G − 1) · (n − 1)/(n − p) ("full", the default), G/(G − 1)
        ("groups"), or 1. "HAC": n/(n − p) ("full") or 1 ("none", the default).
    maxlags : int or "auto", optional
        Lags of "HAC", with Bartlett's weights 1 − l/(L + 1); by default ⌊4 (n/100)^{2/9}⌋, and with
        "auto" chosen from the data (Newey & West 1994).
    scheme : {"pairs", "residual", "wild", "cluster"}, optional
        What "bootstrap" draws: rows; residuals, or residuals with random signs (linear regression);
        clusters. By default pairs, and clusters where ``cluster`` is given. With ``cluster`` the
        signs of "wild" are those of clusters.
    B, seed : int
        Refits of the bootstrap, and their seed.

    See Also
    --------
    Fit.vcov : The matrix.
    Fit.with_covariance : The fit with it.

    Examples
    --------
    >>> import statdl as sd
    >>> fit = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> by_gears = sd.Covariance("cluster", cluster="gear", correction="groups")
    >>> fit.confint(vcov=by_gears).loc["wt"].round(2).to_dict()
    {'2.5 %': -9.51, '97.5 %': -1.18}
    """

    type: str = "classical"
    cluster: Any = None
    correction: str | None = None
    maxlags: int | str | None = None
    scheme: str | None = None
    B: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        known = {kind.lower(): kind for kind in KINDS}
        if str(self.type).lower() not in known:
            raise ModelError(
                f"type={self.type!r} is no kind of covariance; choose one of {', '.join(KINDS)}."
            )
        object.__setattr__(self, "type", known[str(self.type).lower()])
        self._check_places()
        self._check_values()

    def _check_places(self) -> None:
        """Refuse options of another kind."""
        places = {
            "cluster": ("cluster", "bootstrap"),
            "correction": ("cluster", "HAC"),
            "maxlags": ("HAC",),
            "scheme": ("bootstrap",),
        }
        for name, kinds in places.items():
            if getattr(self, name) is not None and self.type not in kinds:
                raise ModelError(
                    f"{name}= belongs to the covariance {' or '.join(map(repr, kinds))}, and not "
                    f"to {self.type!r}."
                )
        if self.type == "cluster" and self.cluster is None:
            raise ModelError(
                "The covariance 'cluster' needs cluster=: a column of the data, a formula such as "
                "'~ firm + year', or a vector."
            )
        if self.scheme == "cluster" and self.cluster is None:
            raise ModelError("scheme='cluster' draws clusters; say which with cluster=.")

    def _check_values(self) -> None:
        if self.correction is not None and self.correction not in CORRECTIONS:
            raise ModelError(
                f"correction={self.correction!r} is not known; choose {', '.join(CORRECTIONS)}."
            )
        if self.correction == "groups" and self.type == "HAC":
            raise ModelError("correction='groups' is for clusters; 'HAC' has 'full' and 'none'.")
        if self.scheme is not None and self.scheme not in SCHEMES:
            raise ModelError(f"scheme={self.scheme!r} is not known; choose {', '.join(SCHEMES)}.")
        lags: Any = self.maxlags
        known = lags is None or (isinstance(lags, str) and lags == "auto")
        if not known and (not is_whole(lags) or lags < 0):
            raise ModelError(f"maxlags must be a whole number of 0 or more, or 'auto': {lags!r}.")
        if not is_whole(self.B) or self.B < 2:
            raise ModelError(f"B must be a whole number of 2 or more resamples, not {self.B!r}.")


def as_covariance(vcov: Any, cluster: Any = None, **options: Any) -> Covariance:
    """Return what ``vcov=`` and ``cluster=`` ask for: a name, a formula of clusters, an object."""
    if isinstance(vcov, Covariance):
        if cluster is not None:
            raise ModelError("vcov= is a Covariance already; give it its cluster=.")
        return vcov
    if isinstance(vcov, str) and vcov.lstrip().startswith("~"):
        vcov, cluster = "cluster", vcov if cluster is None else cluster
    if vcov is None:
        vcov = "classical" if cluster is None else "cluster"
    return Covariance(vcov, cluster, **options)
