"""The models as scikit-learn's estimators, for its pipelines, grid searches and scores.

Each fits by the front door of the same model, and has the fit as ``fit_``, so that
``model.fit_.summary()`` is there. This module needs scikit-learn, and ``import statdl`` does not
import it.

They pass ``check_estimator`` but for one check: rows of weight 2 are not rows repeated, to the last
digit, where the check has more columns than rows (a regression without a penalty is refused then,
as its likelihood has no maximum of its own) and for networks, whose inputs are standardised over
the rows as they come.

>>> from sklearn.model_selection import cross_val_score
>>> import statdl as sd
>>> from statdl.sklearn import LogisticModel
>>> cars = sd.datasets.load("mtcars")
>>> scores = cross_val_score(LogisticModel(penalty=0.1), cars[["wt", "hp"]], cars["am"], cv=4)
>>> bool(scores.mean() > 0.8)
True
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from statdl.api.network import mlp
from statdl.api.regression import glm, lm, multinom
from statdl.backend.array import to_numpy
from statdl.model.family import Family
from statdl.model.penalty import Penalty
from statdl.results import Fit
from statdl.solve.iterate import Solver

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.class_weight import compute_sample_weight
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "statdl.sklearn needs scikit-learn; install it with: pip install 'statdl[sklearn]'."
    ) from error

__all__ = ["LinearModel", "LogisticModel", "MLPClassifier", "MLPRegressor", "SoftmaxModel"]

Self = TypeVar("Self", bound="_Model")


class _Model(BaseEstimator):  # type: ignore[misc]
    """What all share: X and y are checked by scikit-learn, and fitted by a front door."""

    fit_: Fit

    def _read(self, X: Any, y: Any, weights: Any, numeric: bool) -> tuple[Any, Any, dict[str, Any]]:
        """Return X, y and the options that every front door has."""
        checks = {"dtype": [np.float64, np.float32], "ensure_min_samples": 2}
        X, y = validate_data(self, X, y, y_numeric=numeric, **checks)
        names = getattr(self, "feature_names_in_", None)
        options: dict[str, Any] = {"intercept": self.fit_intercept}
        if weights is not None:
            options["weights"] = _check_sample_weight(weights, X, ensure_non_negative=True)
        if names is not None:
            options["names"] = [str(name) for name in names]
        return X, y, options

    def _finished(self: Self, fit: Fit) -> Self:
        self.fit_ = fit
        self.n_iter_ = max(1, int(fit.convergence.iterations))
        return self

    def _mean(self, X: Any) -> Any:
        check_is_fitted(self, "fit_")
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return to_numpy(self.fit_.predict(X))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "fit_")


class _Linear(_Model):
    """Models with coefficients: what is not estimable has none, and so counts as 0."""

    @property
    def coef_(self) -> Any:
        """Slopes, (p,), or (K − 1, p) for K classes of which the first is the reference."""
        table = np.nan_to_num(self.fit_.coefficients.estimate[int(self.fit_intercept) :])
        return table[:, 0] if table.shape[1] == 1 else table.T

    @property
    def intercept_(self) -> Any:
        """The intercept, or (K − 1,) of them; 0 without one."""
        table = self.fit_.coefficients.estimate
        if not self.fit_intercept:
            return 0.0 if table.shape[1] == 1 else np.zeros(table.shape[1])
        return float(table[0, 0]) if table.shape[1] == 1 else table[0]


class _Classifier(ClassifierMixin, _Model):  # type: ignore[misc]
    """Models of classes."""

    classes_: Any
    class_weight: Any

    def _coded(self, X: Any, y: Any, weights: Any) -> tuple[Any, Any, dict[str, Any]]:
        """Return X, the codes of the classes, and options."""
        X, y, options = self._read(X, y, weights, numeric=False)
        check_classification_targets(y)
        if self.class_weight is not None:
            balance = compute_sample_weight(self.class_weight, y)
            options["weights"] = balance * options.get("weights", 1.0)
        self.classes_, codes = np.unique(y, return_inverse=True)
        counted = codes[options["weights"] > 0] if "weights" in options else codes
        if len(np.unique(counted)) < 2:
            raise ValueError(
                f"{type(self).__name__} needs rows of two classes or more, and y has one class "
                f"only: {self.classes_[counted[0]] if len(counted) else 'none'!r}."
            )
        return X, codes, options

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of every class, (n, K), in the order of ``classes_``."""
        mean = self._mean(X)
        return np.column_stack([1 - mean, mean]) if mean.ndim == 1 else mean

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithms of the probabilities."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> Any:
        """Return the most probable class of every row."""
        check_is_fitted(self, "fit_")
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]


class LinearModel(RegressorMixin, _Linear):  # type: ignore[misc]
    """Linear regression by :func:`statdl.lm`.

    Parameters
    ----------
    penalty : float or Penalty, optional
        Weight decay ½ λ Σ β², the intercept left alone.
    fit_intercept : bool
        Whether there is an intercept.
    method : str or Solver
        As for :func:`statdl.lm`.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> model = LinearModel().fit(cars[["wt", "hp"]], cars["mpg"])
    >>> round(model.score(cars[["wt", "hp"]], cars["mpg"]), 4)
    0.8268
    >>> model.fit_.bse.round(3).to_dict()
    {'Intercept': 1.599, 'wt': 0.633, 'hp': 0.009}
    """

    def __init__(
        self,
        penalty: float | Penalty | None = None,
        fit_intercept: bool = True,
        method: str | Solver = "ls",
    ) -> None:
        self.penalty = penalty
        self.fit_intercept = fit_intercept
        self.method = method

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LinearModel:
        """Fit to X (n, p) and y (n,)."""
        X, y, options = self._read(X, y, sample_weight, numeric=True)
        return self._finished(lm(X=X, y=y, penalty=self.penalty, method=self.method, **options))

    def predict(self, X: Any) -> Any:
        """Return the means of the rows, (n,)."""
        return self._mean(X)


class LogisticModel(_Linear, _Classifier):
    """Logistic regression of two classes by :func:`statdl.glm`.

    Parameters
    ----------
    penalty : float or Penalty, optional
        Weight decay ½ λ Σ β²; scikit-learn's C is 1/λ.
    link : str
        "logit", "probit", "cloglog" or "cauchit".
    fit_intercept : bool
        Whether there is an intercept.
    method : str or Solver
        As for :func:`statdl.glm`.
    class_weight : dict or "balanced", optional
        Prior weights of the rows of each class, as scikit-learn's; they move the probabilities.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> model = LogisticModel().fit(cars[["wt"]], cars["am"])
    >>> model.coef_.round(3).tolist(), round(model.intercept_, 3)
    ([-4.024], 12.04)
    """

    def __init__(
        self,
        penalty: float | Penalty | None = None,
        link: str = "logit",
        fit_intercept: bool = True,
        method: str | Solver = "irls",
        class_weight: Any = None,
    ) -> None:
        self.penalty = penalty
        self.link = link
        self.fit_intercept = fit_intercept
        self.method = method
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LogisticModel:
        """Fit to X (n, p) and the classes y (n,)."""
        X, codes, options = self._coded(X, y, sample_weight)
        if len(self.classes_) > 2:
            raise ValueError(
                f"Only binary classification is supported. LogisticModel has two classes, and y "
                f"has {len(self.classes_)}; use SoftmaxModel."
            )
        shared = {"penalty": self.penalty, "method": self.method, **options}
        return self._finished(
            glm(X=X, y=codes.astype(float), family="binomial", link=self.link, **shared)
        )

    def decision_function(self, X: Any) -> Any:
        """Return η, (n,): positive where the second class is the more probable."""
        check_is_fitted(self, "fit_")
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return to_numpy(self.fit_.predict(X, type="link"))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class SoftmaxModel(_Linear, _Classifier):
    """Multinomial regression by :func:`statdl.multinom`.

    Parameters
    ----------
    penalty : float or Penalty, optional
        Weight decay ½ λ Σ β² of the contrasts with the first class.
    fit_intercept : bool
        Whether there are intercepts.
    method : str or Solver, optional
        As for :func:`statdl.multinom`.
    class_weight : dict or "balanced", optional
        As for :class:`LogisticModel`.

    Examples
    --------
    >>> import statdl as sd
    >>> iris = sd.datasets.load("iris")
    >>> X, y = iris[["Sepal.Length", "Sepal.Width"]], iris["Species"]
    >>> round(SoftmaxModel(penalty=0.01).fit(X, y).score(X, y), 2)
    0.83
    """

    def __init__(
        self,
        penalty: float | Penalty | None = None,
        fit_intercept: bool = True,
        method: str | Solver | None = None,
        class_weight: Any = None,
    ) -> None:
        self.penalty = penalty
        self.fit_intercept = fit_intercept
        self.method = method
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SoftmaxModel:
        """Fit to X (n, p) and the classes y (n,)."""
        X, codes, options = self._coded(X, y, sample_weight)
        return self._finished(
            multinom(X=X, y=codes, penalty=self.penalty, method=self.method, **options)
        )


class _Network(_Model):
    """What both networks share."""

    #: Arguments that are those of ``mlp`` by the same name.
    _SHARED = (
        "hidden", "activation", "decay", "skip", "scaling", "normalisation", "dropout", "initial",
        "noise", "l1", "validation", "early_stopping", "restarts", "method", "device", "dtype",
    )  # fmt: skip

    fit_intercept: bool
    random_state: Any
    warm_start: bool

    def _trained(self, X: Any, y: Any, family: str | Family, options: dict[str, Any]) -> Fit:
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if self.warm_start and hasattr(self, "fit_"):
            options["start"] = self.fit_
        shared = {name: getattr(self, name) for name in self._SHARED}
        return mlp(X=X, y=y, family=family, seed=seed, **shared, **options)


class MLPRegressor(RegressorMixin, _Network):  # type: ignore[misc]
    """A network for numbers by :func:`statdl.mlp`, with normal errors unless told otherwise.

    Parameters
    ----------
    hidden, activation, decay, restarts, method, skip, scaling, normalisation, dropout, initial
        As for :func:`statdl.mlp`.
    noise, l1, validation, early_stopping, device, dtype
        As for :func:`statdl.mlp`; validation is a share of the rows, or (X, y).
    fit_intercept : bool
        Whether layers have biases.
    random_state : int, RandomState or None
        Where random starts are from.
    family : str or Family
        "gaussian", "poisson" for counts, "gamma" for positive numbers.
    warm_start : bool
        Whether to start from the weights of the fit before.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> model = MLPRegressor(hidden=2, decay=0.1).fit(cars[["wt", "hp"]], cars["mpg"])
    >>> bool(model.score(cars[["wt", "hp"]], cars["mpg"]) > 0.85)
    True
    """

    def __init__(
        self,
        hidden: int | Sequence[int] = (8,),
        activation: str = "tanh",
        decay: float | Sequence[float] = 0.01,
        fit_intercept: bool = True,
        restarts: int = 1,
        random_state: Any = 0,
        method: str | Solver | None = None,
        family: str | Family = "gaussian",
        skip: bool = False,
        scaling: str | None = "standard",
        normalisation: Any = None,
        dropout: float = 0.0,
        initial: Any = None,
        noise: float = 0.0,
        l1: float | Sequence[float] = 0.0,
        validation: Any = None,
        early_stopping: bool | int = False,
        warm_start: bool = False,
        device: str | None = None,
        dtype: str | None = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.decay = decay
        self.fit_intercept = fit_intercept
        self.restarts = restarts
        self.random_state = random_state
        self.method = method
        self.family = family
        self.skip = skip
        self.scaling = scaling
        self.normalisation = normalisation
        self.dropout = dropout
        self.initial = initial
        self.noise = noise
        self.l1 = l1
        self.validation = validation
        self.early_stopping = early_stopping
        self.warm_start = warm_start
        self.device = device
        self.dtype = dtype

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Fit to X (n, p) and y (n,)."""
        X, y, options = self._read(X, y, sample_weight, numeric=True)
        return self._finished(self._trained(X, y, self.family, options))

    def predict(self, X: Any) -> Any:
        """Return the means of the rows, (n,)."""
        return self._mean(X)


class MLPClassifier(_Classifier, _Network):
    """A network for classes by :func:`statdl.mlp`.

    Parameters
    ----------
    hidden, activation, decay, restarts, method, skip, scaling, normalisation, dropout, initial
        As for :func:`statdl.mlp`.
    noise, l1, validation, early_stopping, device, dtype
        As for :func:`statdl.mlp`; validation is a share of the rows.
    fit_intercept : bool
        Whether layers have biases.
    random_state : int, RandomState or None
        Where random starts are from.
    class_weight : dict or "balanced", optional
        As for :class:`LogisticModel`.
    warm_start : bool
        Whether to start from the weights of the fit before.

    Examples
    --------
    >>> import statdl as sd
    >>> iris = sd.datasets.load("iris")
    >>> X, y = iris.drop(columns="Species"), iris["Species"]
    >>> bool(MLPClassifier(hidden=3, decay=0.1).fit(X, y).score(X, y) > 0.97)
    True
    """

    def __init__(
        self,
        hidden: int | Sequence[int] = (8,),
        activation: str = "tanh",
        decay: float | Sequence[float] = 0.01,
        fit_intercept: bool = True,
        restarts: int = 1,
        random_state: Any = 0,
        method: str | Solver | None = None,
        skip: bool = False,
        scaling: str | None = "standard",
        normalisation: Any = None,
        dropout: float = 0.0,
        initial: Any = None,
        noise: float = 0.0,
        l1: float | Sequence[float] = 0.0,
        validation: float | None = None,
        early_stopping: bool | int = False,
        class_weight: Any = None,
        warm_start: bool = False,
        device: str | None = None,
        dtype: str | None = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.decay = decay
        self.fit_intercept = fit_intercept
        self.restarts = restarts
        self.random_state = random_state
        self.method = method
        self.skip = skip
        self.scaling = scaling
        self.normalisation = normalisation
        self.dropout = dropout
        self.initial = initial
        self.noise = noise
        self.l1 = l1
        self.validation = validation
        self.early_stopping = early_stopping
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.device = device
        self.dtype = dtype

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPClassifier:
        """Fit to X (n, p) and the classes y (n,)."""
        X, codes, options = self._coded(X, y, sample_weight)
        two = len(self.classes_) == 2
        y = codes.astype(float) if two else codes
        return self._finished(self._trained(X, y, "binomial" if two else "multinomial", options))
