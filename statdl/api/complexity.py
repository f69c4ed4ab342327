"""The front doors of under- and overfitting: any knob of a model, and several at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from statdl.api.repeat import repeated
from statdl.errors import ModelError, StatdlError
from statdl.results import Fit
from statdl.study.bootstrap import check_count
from statdl.study.complexity import Complexity, study_of
from statdl.study.decomposition import Decomposition, decompose
from statdl.study.heldout import Scheme, split_of
from statdl.study.learner import Learner, cross_validated
from statdl.study.learning import LearningCurve, learning_curve_of, thinned
from statdl.study.search import Choices, SearchResult, as_space, trials_of
from statdl.study.verdict import mean, mean_error

#: Knobs by which a larger setting means a simpler model.
RESTRAINTS = ("decay", "lambda", "penalty", "dropout")


def complexity(
    model: Fit,
    data: Any = None,
    *,
    over: Mapping[str, Sequence[Any]],
    validation: str = "kfold",
    folds: int = 10,
    shares: tuple[float, float, float] = (0.6, 0.2, 0.2),
    test: float = 0.0,
    seed: int = 0,
) -> Complexity:
    """Study a model over a knob of its complexity: under- and overfitting, and which to choose.

    Each setting is fitted to the training rows and judged on rows held out; the excess of its
    error over the best one comes apart into bias, which shows in training already, and variance,
    which does not (see :mod:`statdl.study.verdict`). The choice is the simplest setting within
    one standard error of the best.

    Parameters
    ----------
    model : Fit
        Any fit; its call is repeated with other settings.
    data : frame, or (X, y) for a fit to arrays, optional
        Rows to study; by default those of the fit.
    over : mapping
        One knob and its settings: any argument of the fit's own call such as ``{"hidden": (1, 2,
        4)}`` or ``{"decay": (0.01, 0.1, 1)}``, or ``"epochs"`` (gradient descent) or ``"lambda"``
        (the penalty of a regression).
    validation : {"kfold", "loo", "split"}
        ``folds``-fold cross-validation; leave-one-out, exact from the leverages of a least-squares
        fit; or one split by ``shares`` into training, validation and test rows.
    test : float
        Share of rows that "kfold" and "loo" keep for a test at the end.
    seed : int
        Seed of the random parts. Classes are dealt out in equal shares.

    Returns
    -------
    Complexity
        With ``table``, ``best`` (a fit), ``best_value``, ``verdicts``, ``reasons()``, ``plot()``.

    Raises
    ------
    ModelError
        For a knob that the model does not have.
    DataError
        Where rows are too few, or a class would be lost.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> line = sd.lm("mpg ~ wt + hp", data=cars)
    >>> study = sd.complexity(line, over={"lambda": (0, 1, 1e4)}, validation="loo", test=0.1)
    Traceback (most recent call last):
        ...
    statdl.errors.ModelError: validation='loo' is exact for least squares without penalty only; ...
    >>> study = sd.complexity(line, over={"lambda": (0, 1, 1e4)})
    >>> study.verdicts[10000.0]
    'underfitting (high bias)'
    """
    knob, values = one_knob(over)
    scheme = Scheme(validation, folds, shares, test, seed)
    repeat = repeated(model, data)
    for value in values:
        repeat.check(knob, value)
    sizes = None
    if knob in RESTRAINTS:
        sizes = [-_total(value) for value in values]
    elif knob == "epochs":
        sizes = [float(value) for value in values]
    split = split_of(repeat.frame, scheme)
    learners = [Learner(repeat, {knob: value}, repeat.frame, repeat.rows) for value in values]
    studied = study_of(knob, values, learners, scheme, split, sizes)
    return Complexity(knob, model.label, scheme, studied)


def _total(value: Any) -> float:
    """Return a strength, or the sum of those by layer."""
    try:
        return float(sum(value) if isinstance(value, Sequence) else value or 0)
    except (TypeError, ValueError):
        raise ModelError(f"A strength is a number, or one a layer, not {value!r}.") from None


def one_knob(over: Any) -> tuple[str, list[Any]]:
    """Return the knob and its settings."""
    if not isinstance(over, Mapping) or len(over) != 1:
        raise ModelError(
            f"over= names one knob and its settings, such as {{'decay': (0.1, 1)}}; not {over!r}."
        )
    knob, values = next(iter(over.items()))
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ModelError(f"The settings of {knob!r} are a list, such as ({values!r},).")
    values = list(values)
    if not values:
        raise ModelError(f"over={{{knob!r}: ()}} has no setting to try.")
    return knob, values


def bias_variance(
    study: Complexity,
    truth: Any = None,
    *,
    noise: float | None = None,
    B: int = 100,
    seed: int = 0,
) -> Decomposition:
    """Take the expected error of every setting apart: bias² + variance + noise.

    Parameters
    ----------
    study : Complexity
        From :func:`complexity` or :func:`polynomial`.
    truth : callable or array, optional
        The true mean of each row, or a function of the data that returns it; responses are then
        simulated from it. Without it rows are resampled, and the noise is an estimate.
    noise : float, optional
        The true standard deviation of normal errors; by default that of the chosen fit.
    B, seed : int
        Refits of every setting, and their seed.

    Returns
    -------
    Decomposition
        With ``table`` and ``plot()``.

    References
    ----------
    Geman, Bienenstock & Doursat (1992), Neural Computation 4, 1.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> study = sd.polynomial("mpg ~ wt", data=cars, degrees=(1, 2, 5))
    >>> parts = sd.bias_variance(study, truth=lambda rows: 40 - 6 * rows["wt"], noise=2.5).parts
    >>> bool(parts[2].variance > parts[0].variance)
    True
    """
    if not isinstance(study, Complexity):
        raise ModelError("bias_variance() takes a study from complexity() or polynomial().")
    check_count(B)
    return decompose(study, truth, noise, int(B), seed)


def learning_curve(
    model: Fit,
    data: Any = None,
    *,
    sizes: Sequence[float] | None = None,
    folds: int = 5,
    seed: int = 0,
) -> LearningCurve:
    """Study how errors fall with the number of rows, and whether more data would help.

    Models learn from the first rows of every fold's training part, in random order, and are judged
    on the fold; V(m) = a + b/m through the larger sizes says what more rows are worth.

    Parameters
    ----------
    model : Fit
        Any fit; its call is repeated with fewer rows.
    data : frame, or (X, y) for a fit to arrays, optional
        Rows to study; by default those of the fit.
    sizes : sequence, optional
        Shares of the rows a fold leaves, or numbers of rows; by default ten, up to all.
    folds, seed : int
        Parts of the rows, each held out once, and the seed of their order.

    Returns
    -------
    LearningCurve
        With ``table``, ``reading``, ``helps`` and ``plot()``.

    Examples
    --------
    >>> import statdl as sd
    >>> line = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))
    >>> curve = sd.learning_curve(line, sizes=(0.4, 0.6, 0.8, 1))
    >>> curve.sizes
    (10, 15, 20, 25)
    """
    repeat = repeated(model, data)
    model = repeat.model
    learner = Learner(repeat, {}, repeat.frame, repeat.rows, model.estimate)
    return learning_curve_of(learner, sizes, folds, seed, model.label, model.estimate.rank)


def search(
    model: Fit,
    data: Any = None,
    space: Mapping[str, Any] | None = None,
    *,
    n: int = 20,
    folds: int = 5,
    halving: bool = False,
    seed: int = 0,
    tried: Any = None,
) -> SearchResult:
    """Search several knobs at once: at random, then finer around the best.

    Parameters
    ----------
    model : Fit
        Any fit; its call is repeated with other settings.
    data : frame, or (X, y) for a fit to arrays, optional
        Rows to use; by default those of the fit.
    space : mapping
        By knob (as for :func:`complexity`, and "learning_rate" and "batch" of gradient descent) a
        range (low, high) or a list of settings. A range of whole numbers is one of whole numbers,
        but for knobs such as "decay" that are none.
    n : int
        Points to try; ``result.more(n)`` goes on later.
    folds : int
        Parts of the rows, each held out once to judge a point.
    halving : bool
        Judge all points on few rows first, and the better half on twice as many.
    seed : int
        Seed of the points and the folds.
    tried : frame or SearchResult, optional
        What :meth:`SearchResult.to_frame` gave of an earlier search with the same data, folds and
        seed, perhaps by way of a file: it goes on from there. ``n`` points are added.

    Returns
    -------
    SearchResult
        With ``table``, ``best_point``, ``best`` (a fit to all rows), ``more(n)``, ``to_frame()``,
        and ``objective`` for optuna.

    Notes
    -----
    The smallest error of many is a little too small; report the error of rows kept for a test.
    Networks of one architecture are fitted at once: all folds of a point, and of the first points,
    which are drawn from the whole space, all of these.

    References
    ----------
    Bergstra & Bengio (2012), Journal of Machine Learning Research 13, 281.

    Examples
    --------
    >>> import statdl as sd
    >>> cars = sd.datasets.load("mtcars")
    >>> line = sd.lm("mpg ~ wt + hp + qsec", data=cars)
    >>> found = sd.search(line, space={"lambda": (1e-3, 1e3)}, n=5)
    >>> len(found.more(2).trials)
    7
    """
    ranges, repeat = as_space(space), repeated(model, data)
    for knob, one in ranges.items():
        repeat.check(knob, one.values[0] if isinstance(one, Choices) else one.high)
    split = split_of(repeat.frame, Scheme("kfold", folds, seed=seed))

    def judge(points: Sequence[Mapping[str, Any]], share: float) -> Iterator[Any]:
        def some(rows: Any) -> Any:
            return thinned(repeat.frame, rows, share, seed)

        learners = [
            Learner(repeat, point, repeat.frame, repeat.rows, repeat.turned(point))
            for point in points
        ]
        for held in cross_validated(learners, split, some):
            if isinstance(held, StatdlError):
                yield held
            else:
                yield mean(*held), mean_error(*held)

    def finish(point: Mapping[str, Any]) -> Fit:
        return repeat.fit(point, split.training)

    found = SearchResult(model.label, ranges, judge, finish, seed, halving)
    found.trials += trials_of(tried, ranges)
    return found.more(n)
