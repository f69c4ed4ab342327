"""The solvers, step by step: update rules and schedules by hand, and how a run ends."""

import dataclasses
import math
import warnings
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import statdl as sd
from statdl.solve import iterate
from statdl.solve.iterate import Outcome
from tests.cases import draw, draw_classes

RATE = 0.1
WALK = np.array([1.0, 2.0, 3.0])  # x = y = (1, 2, 3): the slope is 1, and there is no intercept


def slope(w):
    """∂J/∂w of J = 1/(2n) Σ (w x − y)², by arithmetic: 14/3 (w − 1)."""
    return sum(x * (w * x - y) for x, y in ((1, 1), (2, 2), (3, 3))) / 3


def walk(rule, epochs=4, **options):
    """Fit the slope by gradient descent from 0, columns as given; return the fit."""
    method = sd.GradientDescent(rule, epochs=epochs, scale=False, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sd.ConvergenceWarning)
        return sd.lm(X=WALK, y=WALK, intercept=False, method=method)


def path(fit):
    """The parameter of every iteration."""
    return [float(w[0]) for w in fit.trace.parameters]


# rules by hand -----------------------------------------------------------------------------------


def by_sgd(w, memory, t):
    return w - RATE * slope(w), memory


def by_momentum(w, m, t):
    m = 0.9 * (m or 0.0) + RATE * slope(w)
    return w - m, m


def by_dampened_momentum(w, m, t):
    m = 0.9 * (m or 0.0) + (1 - 0.9) * slope(w)
    return w - RATE * m, m


def by_nesterov(w, m, t):
    g = slope(w)
    m = 0.9 * (m or 0.0) + RATE * g
    return w - (0.9 * m + RATE * g), m


def by_adagrad(w, s, t):
    g = slope(w)
    s = (s or 0.0) + g * g
    return w - RATE * g / math.sqrt(s + 1e-10), s


def by_rmsprop(w, s, t):
    g = slope(w)
    s = 0.9 * (s or 0.0) + 0.1 * g * g
    return w - RATE * g / math.sqrt(s + 1e-10), s


def by_adam(w, memory, t, corrected=True, decay=0.0):
    m, s = memory or (0.0, 0.0)
    g = slope(w)
    m = 0.9 * m + 0.1 * g
    s = 0.999 * s + 0.001 * g * g
    first, second = (m / (1 - 0.9**t), s / (1 - 0.999**t)) if corrected else (m, s)
    return w - RATE * (first / (math.sqrt(second) + 1e-8) + decay * w), (m, s)


RULES = [
    (sd.SGD(RATE), by_sgd),
    (sd.Momentum(RATE), by_momentum),
    (sd.Momentum(RATE, dampened=True), by_dampened_momentum),
    (sd.Nesterov(RATE), by_nesterov),
    (sd.AdaGrad(RATE), by_adagrad),
    (sd.RMSProp(RATE), by_rmsprop),
    (sd.Adam(RATE), by_adam),
    (sd.Adam(RATE, corrected=False), lambda w, m, t: by_adam(w, m, t, corrected=False)),
    (sd.AdamW(RATE, weight_decay=0.05), lambda w, m, t: by_adam(w, m, t, decay=0.05)),
]


@pytest.mark.parametrize(("rule", "step"), RULES, ids=lambda value: type(value).__name__)
def test_rules_walk_as_by_hand(rule, step):
    w, memory, expected = 0.0, None, [0.0]
    for t in range(1, 9):
        w, memory = step(w, memory, t)
        expected.append(w)
    assert_allclose(path(walk(rule, epochs=8)), expected, rtol=1e-11, atol=1e-13)


def test_first_steps_in_figures():
    """From w = 0 with ∂J/∂w = −14/3 and η = 0.1."""
    first = {
        name: path(walk(rule, epochs=1))[1]
        for name, rule in {
            "sgd": sd.SGD(RATE),
            "momentum": sd.Momentum(RATE),
            "dampened": sd.Momentum(RATE, dampened=True),
            "nesterov": sd.Nesterov(RATE),
            "adagrad": sd.AdaGrad(RATE),
            "rmsprop": sd.RMSProp(RATE),
            "adam": sd.Adam(RATE),
            "adam, uncorrected": sd.Adam(RATE, corrected=False),
        }.items()
    }
    assert_allclose(first["sgd"], 7 / 15, rtol=1e-13)
    assert_allclose(first["momentum"], 7 / 15, rtol=1e-13)
    assert_allclose(first["dampened"], 7 / 150, rtol=1e-12)
    assert_allclose(first["nesterov"], 1.9 * 7 / 15, rtol=1e-13)
    assert_allclose(first["adagrad"], 0.1, rtol=1e-9)
    assert_allclose(first["rmsprop"], 0.1 / math.sqrt(0.1), rtol=1e-9)
    assert_allclose(first["adam"], 0.1, rtol=1e-8)
    assert_allclose(first["adam, uncorrected"], 0.1 * 0.1 / math.sqrt(0.001), rtol=1e-7)


@pytest.mark.parametrize(("dampened", "limit"), [(False, 10 * RATE), (True, RATE)])
def test_momentum_approaches_its_own_rate_on_a_constant_slope(dampened, limit):
    rule = sd.Momentum(RATE, beta=0.9, dampened=dampened)
    memory = rule.begin(np.zeros(1))
    for t in range(1, 400):
        move, memory = rule.move(np.ones(1), memory, RATE, t, np.zeros(1))
    assert_allclose(-move, limit, rtol=1e-12)


def test_defaults_are_those_of_the_literature():
    assert (sd.Momentum().beta, sd.Nesterov().beta) == (0.9, 0.9)
    assert sd.AdaGrad().epsilon == 1e-10
    assert sd.RMSProp().alpha == 0.9
    assert (sd.Adam().beta1, sd.Adam().beta2, sd.Adam().epsilon) == (0.9, 0.999, 1e-8)


def test_rules_treat_each_parameter_by_itself():
    gradient = np.array([3.0, -0.5])
    for rule in (sd.AdaGrad(RATE), sd.RMSProp(RATE), sd.Adam(RATE)):
        both, _ = rule.move(gradient, rule.begin(np.zeros(2)), RATE, 1, np.zeros(2))
        for k in range(2):
            start = rule.begin(np.zeros(1))
            single, _ = rule.move(gradient[k : k + 1], start, RATE, 1, np.zeros(1))
            assert_allclose(both[k], single[0], rtol=1e-15)


@pytest.mark.parametrize(
    "make",
    [
        lambda: sd.SGD(0.0),
        lambda: sd.SGD(-1.0),
        lambda: sd.SGD(math.nan),
        lambda: sd.Adam(0.1, beta1=1.0),
        lambda: sd.Momentum(0.1, beta=-0.1),
        lambda: sd.GradientDescent(batch=0),
        lambda: sd.GradientDescent(batch=2.5),
        lambda: sd.GradientDescent(epochs=0),
        lambda: sd.GradientDescent(clip=0.0),
    ],
)
def test_impossible_constants_are_refused(make):
    with pytest.raises(sd.ModelError, match="must be"):
        make()


# the slope walk ----------------------------------------------------------------------------------


def test_costs_of_the_walk():
    """Mean squared errors at slopes 0, 1 and 2; J is half of it."""
    objective = sd.lm(X=WALK, y=WALK, intercept=False).estimate.objective
    costs = [2 * objective.value(np.array([w])) / 3 for w in (0.0, 1.0, 2.0)]
    assert [f"{cost:.2f}" for cost in costs] == ["4.67", "0.00", "4.67"]
    assert f"{2 * walk(sd.SGD(0.1)).trace.loss[0]:.2f}" == "4.67"


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2, 0.3, 0.4])
def test_a_moderate_rate_converges(rate):
    fit = walk(sd.SGD(rate), epochs=2000)
    assert fit.convergence.outcome is Outcome.PRECISION  # all is rounding where nothing is noise
    assert fit.converged
    assert_allclose(fit.params, 1, rtol=1e-12)
    shrink = [abs(w - 1) for w in path(fit)[:6]]
    assert_allclose(shrink, [abs(1 - rate * 14 / 3) ** k for k in range(6)], rtol=1e-9)
    assert fit.trace.loss[:20] == sorted(fit.trace.loss[:20], reverse=True)


def test_the_best_rate_arrives_in_one_step():
    fit = walk(sd.SGD(3 / 14))
    assert_allclose(path(fit)[1], 1.0, rtol=1e-14)
    assert fit.convergence.iterations == 1


def test_a_small_rate_crawls():
    fit = walk(sd.SGD(1e-4), epochs=100)
    assert fit.convergence.outcome is Outcome.EPOCH_LIMIT
    assert 0.04 < path(fit)[-1] < 0.05
    assert not fit.converged


def test_the_rate_of_no_return_oscillates():
    fit = walk(sd.SGD(3 / 7), epochs=50)
    assert_allclose(path(fit)[:5], [0, 2, 0, 2, 0], atol=1e-12)
    assert not fit.converged


@pytest.mark.parametrize("rate", [0.5, 1.0, 100.0])
def test_a_large_rate_diverges_with_a_sentence(rate):
    method = sd.GradientDescent(sd.SGD(rate), scale=False)
    with pytest.warns(sd.ConvergenceWarning, match="smaller learning rate"):
        fit = sd.lm(X=WALK, y=WALK, intercept=False, method=method)
    assert fit.convergence.outcome is Outcome.NON_FINITE
    assert not fit.converged
    assert fit.trace.loss[1] > fit.trace.loss[0]
    assert "finite" in fit.convergence.message
    assert "no longer finite" in str(fit.summary()).replace("\n", " ")


@pytest.mark.parametrize("family", ["poisson", "binomial", "gamma"])
def test_divergence_of_other_families_is_a_sentence_too(family):
    case = draw(family, {"poisson": "log", "binomial": "logit", "gamma": "log"}[family], 1)
    method = sd.GradientDescent(sd.SGD(1e6), epochs=300, scale=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("ignore", sd.StatdlWarning)
        fit = case.fit(method=method)
        fit.summary()
    assert fit.convergence.outcome in (
        Outcome.NON_FINITE,
        Outcome.DIVERGED,
        Outcome.SEPARATION,
    )


def test_without_a_rate_it_finds_its_own():
    for rule in (None, sd.SGD(), sd.Nesterov()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sd.ConvergenceWarning)
            fit = walk(rule, epochs=3000)
        assert_allclose(fit.params, 1, rtol=1e-7)


def test_the_walk_is_reported_for_the_columns_as_given():
    """Inside, columns are standardised; outside, nobody sees that."""
    case = draw("gaussian", "identity", 2, p=2)
    fit = sd.lm(X=case.X * 1000 + 5000, y=case.y, method="gd")
    assert_allclose(fit.trace.parameters[-1], fit.params, rtol=1e-9)
    losses = [fit.estimate.objective.value(theta) / 80 for theta in fit.trace.parameters[:5]]
    assert_allclose(fit.trace.loss[:5], losses, rtol=1e-9)


def test_the_walk_is_reported_so_for_nearly_collinear_columns_too():
    case = draw("binomial", "logit", 2, p=2)
    X = np.column_stack([case.X, case.X[:, 0] + 1e-6 * case.X[:, 1] ** 2])
    fit = sd.glm(X=X, y=case.y, weights=case.weights, family="binomial", method="newton")
    assert_allclose(fit.trace.parameters[-1], fit.params, rtol=1e-3)


# clipping ----------------------------------------------------------------------------------------


def test_clipping_shortens_long_gradients_only():
    fit = walk(sd.SGD(RATE), epochs=12, clip=2.0)
    w, expected = 0.0, [0.0]
    for _ in range(12):
        g = slope(w)
        w -= RATE * (g if abs(g) <= 2 else math.copysign(2.0, g))
        expected.append(w)
    assert_allclose(path(fit), expected, rtol=1e-12)
    assert_allclose(np.diff(path(fit))[:2], 0.2, rtol=1e-12)


def test_clipping_keeps_the_direction():
    case = draw("gaussian", "identity", 3, p=2)

    def first_step(clip):
        method = sd.GradientDescent(sd.SGD(RATE), epochs=1, scale=False, clip=clip)
        with pytest.warns(sd.ConvergenceWarning):
            fit = sd.lm(X=case.X, y=100 * case.y, intercept=False, method=method)
        return fit.trace.parameters[1] - fit.trace.parameters[0]

    long, short = first_step(None), first_step(0.5)
    assert_allclose(short / np.linalg.norm(short), long / np.linalg.norm(long), rtol=1e-10)
    assert_allclose(np.linalg.norm(short), RATE * 0.5, rtol=1e-10)


# schedules ---------------------------------------------------------------------------------------


def test_exponential_prints_the_known_table():
    rates = [0.1 * sd.Exponential(0.96, 1000).factor(t, 0) for t in range(0, 6000, 1000)]
    printed = [f"{rate:.4f}" for rate in rates]
    assert printed == ["0.1000", "0.0960", "0.0922", "0.0885", "0.0849", "0.0815"]
    assert sd.Exponential(0.96, 1000).factor(999, 0) == 1.0
    smooth = sd.Exponential(0.96, 1000, smooth=True)
    assert_allclose(smooth.factor(500, 0), math.sqrt(0.96), rtol=1e-14)


def test_steps_fall_by_ten_at_their_epochs():
    schedule = sd.Steps()
    found = [schedule.factor(0, epoch) for epoch in (0, 29, 30, 59, 60, 89, 90, 500)]
    assert_allclose(found, [1, 1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001], rtol=1e-12)
    assert sd.Steps((2,), 0.5).factor(10**6, 1) == 1.0


def test_power_of_ten():
    assert_allclose([sd.PowerOfTen(50).factor(t, 0) for t in (0, 50, 100)], [1, 0.1, 0.01])
    assert_allclose(sd.PowerOfTen(50).factor(25, 0), 10**-0.5)


def test_cosine_by_hand():
    plain = sd.Cosine(8, least=0.1)
    found = [plain.factor(0, epoch) for epoch in (0, 2, 4, 6, 8, 100)]
    half = math.sqrt(0.5)
    shares = [1, (1 + half) / 2, 0.5, (1 - half) / 2, 0, 0]
    assert_allclose(found, [0.1 + 0.9 * share for share in shares], rtol=1e-12)
    warm = sd.Cosine(10, warmup=4)
    assert_allclose([warm.factor(0, e) for e in range(5)], [0.2, 0.4, 0.6, 0.8, 1.0], rtol=1e-12)
    assert_allclose([warm.factor(9, e) for e in (7, 10)], [0.5, 0.0], atol=1e-12)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [((0,), "epochs must be 1"), ((5, 2.0), "least is a share"), ((5, 0.0, 5), "less than the 5")],
)
def test_what_is_no_cosine(wrong, said):
    with pytest.raises(sd.ModelError, match=said):
        sd.Cosine(*wrong)


@pytest.mark.parametrize(
    "schedule",
    [
        sd.Constant(),
        sd.Exponential(0.9, 3),
        sd.PowerOfTen(5),
        sd.Steps((2, 4), 0.1),
        sd.Cosine(8, warmup=2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_schedules_set_the_rate_of_every_step(schedule):
    fit = walk(sd.SGD(RATE), epochs=8, schedule=schedule)
    w, expected = 0.0, [0.0]
    for t in range(8):
        w -= RATE * schedule.factor(t, t) * slope(w)
        expected.append(w)
    assert_allclose(path(fit), expected, rtol=1e-11)
    assert_allclose(fit.trace.step[1:], [RATE * schedule.factor(t, t) for t in range(8)])


def test_schedules_count_epochs_of_batches():
    X, y = np.arange(20.0), np.arange(20.0)
    method = sd.GradientDescent(
        sd.SGD(0.1), batch=5, epochs=3, schedule=sd.Steps((1, 2), 0.1), seed=0
    )
    steps = sd.lm(X=X, y=y, method=method).trace.step[1:]
    assert_allclose(steps, [0.1] * 4 + [0.01] * 4 + [0.001] * 4)


# batches and epochs ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("batch", "epochs", "iterations"),
    [(200, 1, 10), (200, 3, 30), (300, 2, 14), (2000, 4, 4), (1, 1, 2000)],
)
def test_epochs_times_batches_are_the_iterations(batch, epochs, iterations):
    X = np.linspace(-1, 1, 2000)
    method = sd.GradientDescent(sd.SGD(0.01), batch=batch, epochs=epochs, seed=1)
    fit = sd.lm(X=X, y=X, method=method)
    assert fit.convergence.iterations == iterations
    assert len(fit.trace.loss) == iterations + 1
    assert fit.convergence.outcome is Outcome.EPOCHS


@pytest.mark.parametrize("front", ["lm", "glm", "multinom", "mlp"])
def test_a_batch_larger_than_the_data_is_refused(front):
    X, y = np.linspace(-1, 1, 20), np.arange(20) % 2
    options = {"family": "binomial"} if front == "glm" else {}
    fit = getattr(sd, front)
    with pytest.raises(sd.DataError, match=r"batch=21 is more than the 20 rows .* smaller batch"):
        fit(X=X, y=y, method=sd.GradientDescent(sd.SGD(0.1), batch=21, epochs=2), **options)
    assert "batches of 20" in fit(X=X, y=y, method="sgd", **options).convergence.method


BARS = [
    (sd.GradientDescent(sd.SGD(0.01), batch=30, epochs=5), "lm", 5 * 4),
    (sd.GradientDescent(sd.SGD(0.01), batch=30, epochs=5), "mlp", 5),
    (sd.GradientDescent(sd.SGD(0.01), epochs=7), "lm", 7),
    (sd.LBFGS(max_iterations=9, tolerance=1e-300), "glm", 9),
]


@pytest.mark.filterwarnings("ignore::statdl.ConvergenceWarning")
@pytest.mark.parametrize(("method", "front", "total"), BARS, ids=repr)
def test_a_bar_knows_how_many_steps_there_are(method, front, total, monkeypatch):
    bars = []

    class Bar:
        def __init__(self, desc, total, initial, leave):
            self.total, self.n = total, initial
            bars.append(self)

        def set_postfix(self, values, refresh):
            assert "loss" in values

        def update(self, steps):
            self.n += steps

        def close(self):
            self.closed = True

    monkeypatch.setattr(iterate, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(iterate.sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(iterate, "tqdm", SimpleNamespace(tqdm=Bar))
    random = np.random.default_rng(0)
    X = random.normal(size=(100, 2))
    getattr(sd, front)(X=X, y=X[:, 0] + random.normal(size=100), method=method)
    assert [bar.total for bar in bars] == [total]
    assert bars[0].n <= total
    assert bars[0].closed
    if method.name.startswith("Gradient"):
        assert bars[0].n == total


def test_every_epoch_sees_every_row_once():
    """One step an epoch on all rows in any order is a step of batch gradient descent."""
    case = draw("gaussian", "identity", 5)
    options = {"X": case.X, "y": case.y}
    batch = sd.GradientDescent(sd.SGD(0.1), batch=80, epochs=7, seed=3)
    with pytest.warns(sd.ConvergenceWarning):
        whole = sd.lm(**options, method=sd.GradientDescent(sd.SGD(0.1), epochs=7))
    assert_allclose(sd.lm(**options, method=batch).params, whole.params, rtol=1e-10)


def test_one_epoch_of_single_rows_by_hand():
    """With equal rows, order does not matter, and each step is one row's."""
    method = sd.GradientDescent(sd.SGD(0.1), batch=1, epochs=2, seed=0, scale=False)
    fit = sd.lm(X=[2.0, 2.0, 2.0], y=[4.0, 4.0, 4.0], intercept=False, method=method)
    expected = [2 - 2 * 0.6**k for k in range(7)]  # w ← w − 0.1 · 2 (2w − 4)
    assert_allclose(path(fit), expected, rtol=1e-12)


@pytest.mark.parametrize("front", ["lm", "multinom"])
def test_a_seed_repeats_a_run(front):
    X, codes = draw_classes(3)

    def params(seed):
        method = sd.GradientDescent(sd.Adam(0.05), batch=16, epochs=3, seed=seed)
        return getattr(sd, front)(X=X, y=codes, method=method).params.to_numpy()

    assert_array_equal(params(1), params(1))
    assert np.any(params(1) != params(2))
    assert np.any(params(None) != params(None))


def test_weights_count_in_batches():
    """Rows of weight 0 leave the estimate alone, whichever batch they fall into."""
    X = np.array([1.0, 1.0, 5.0, 5.0])
    y = np.array([2.0, 2.0, -70.0, 90.0])
    method = sd.GradientDescent(sd.SGD(0.2), batch=1, epochs=60, seed=0, scale=False)
    fit = sd.lm(X=X, y=y, weights=[1, 1, 0, 0], intercept=False, method=method)
    assert_allclose(fit.params, 2.0, rtol=1e-6)


def test_batches_carry_their_share_of_the_penalty():
    case = draw("gaussian", "identity", 6)
    method = sd.GradientDescent(
        sd.SGD(0.2), batch=20, epochs=300, schedule=sd.PowerOfTen(400), seed=0
    )
    options = {"X": case.X, "y": case.y, "penalty": 20.0}
    near = sd.lm(**options, method=method).params
    assert_allclose(near, sd.lm(**options).params, atol=2e-3)


# how a run ends ----------------------------------------------------------------------------------


def fit_by(method):
    X, codes = draw_classes(4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sd.ConvergenceWarning)
        return sd.multinom(X=X, y=codes, method=method)


@pytest.mark.parametrize(
    "method",
    [
        sd.Newton(max_iterations=1),
        sd.Newton(expected=True, max_iterations=1),
        sd.LBFGS(max_iterations=1),
        sd.GradientDescent(epochs=3),
        sd.GradientDescent(sd.Adam(1e-4), epochs=3),
    ],
    ids=lambda method: method.name,
)
@pytest.mark.parametrize("front", ["glm", "multinom"])
def test_the_iteration_limit_warns_and_says_so(method, front):
    X, codes = draw_classes(4)
    options = {"family": "poisson"} if front == "glm" else {}
    with pytest.warns(sd.ConvergenceWarning, match="iteration limit") as caught:
        fit = getattr(sd, front)(X=X, y=codes, method=method, **options)
    assert method.name in str(caught[0].message)
    assert fit.convergence.outcome in (Outcome.ITERATION_LIMIT, Outcome.EPOCH_LIMIT)
    assert not fit.converged
    assert fit.convergence.iterations == method.max_iterations
    assert "iteration limit" in str(fit.summary())
    assert "iteration limit" in repr(fit)


def test_one_record_for_all_methods():
    methods = ["newton", "irls", "lbfgs", "gd", sd.GradientDescent(sd.Adam(), batch=16, epochs=2)]
    records = [fit_by(method).convergence for method in methods]
    records.append(sd.lm(X=WALK, y=[1.0, 3.0, 3.0]).convergence)
    for record in records:
        assert type(record) is type(records[0])
        assert isinstance(record.outcome, Outcome)
        assert isinstance(record.message, str)
        assert record.iterations >= 0
        assert math.isfinite(record.gradient_norm)
        assert record.seconds > 0
        assert record.digits > 6
        assert bool(record) is record.converged
    names = [record.method for record in records]
    assert len(set(names)) == len(names)


def test_the_trace_holds_every_iteration():
    for method in ("newton", "lbfgs", "gd"):
        fit = fit_by(method)
        trace = fit.trace
        assert len(trace) == fit.convergence.iterations + 1
        assert len(trace.loss) == len(trace.gradient_norm) == len(trace.step)
        assert trace.gradient_norm[-1] < 1e-4 * trace.gradient_norm[0]
        assert trace.loss[-1] <= trace.loss[0]


def test_least_squares_needs_one_step():
    case = draw("gaussian", "identity", 7)
    fit = sd.lm(X=case.X, y=case.y)
    assert fit.convergence.iterations <= 2
    assert fit.converged


def test_newton_converges_quadratically():
    fit = fit_by(sd.Newton(tolerance=1e-10))
    distance = [fit.nobs * norm for norm in fit.trace.gradient_norm]
    small = [value for value in distance if value < 1.0 * distance[0]]
    orders = [math.log(b) / math.log(a) for a, b in pairwise(small) if 1e-7 < a < 1e-1]
    assert all(order > 1.6 for order in orders)


def test_solvers_are_values():
    solver = sd.GradientDescent(sd.Adam(0.01), batch=32)
    assert solver == sd.GradientDescent(sd.Adam(0.01), batch=32)
    assert dataclasses.replace(solver, batch=64).batch == 64
    with pytest.raises(dataclasses.FrozenInstanceError):
        solver.batch = 3


@pytest.mark.parametrize("batch", [1, 8])
def test_batches_weigh_rows_as_the_whole_does(batch):
    """On average over an epoch the gradient of batches is that of all rows, weights and all."""
    case = draw("gaussian", "identity", 3, p=2)
    weights = np.where(np.arange(len(case.y)) % 2, 10.0, 1.0)
    objective = sd.lm(X=case.X, y=case.y, weights=weights).estimate.objective
    at = np.array([0.3, -0.2, 0.1])
    n = objective.n // batch * batch
    rows = np.arange(n).reshape(-1, batch)
    means = [
        objective.batch(chosen).value_and_gradient(at)[1] / objective.batch(chosen).total_weight()
        for chosen in rows
    ]
    whole = objective.batch(np.arange(n))
    assert_allclose(
        np.mean(means, axis=0), whole.value_and_gradient(at)[1] / whole.total_weight(), rtol=1e-12
    )


def test_weight_decay_leaves_the_intercept_alone():
    case = draw("gaussian", "identity", 4, p=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sd.ConvergenceWarning)
        method = sd.GradientDescent(sd.AdamW(0.05, weight_decay=0.5), epochs=4000)
        fit = sd.lm(X=case.X - case.X.mean(axis=0), y=case.y + 100, method=method)
    assert_allclose(fit.params["Intercept"], np.mean(case.y) + 100, rtol=1e-4)


def test_batches_without_a_rule_come_near_and_say_how_near():
    case = draw("binomial", "logit", 5)
    fit = sd.glm(X=case.X, y=case.y, family="binomial")
    method = sd.GradientDescent(batch=16, epochs=60, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sd.ConvergenceWarning)
        near = sd.glm(X=case.X, y=case.y, family="binomial", method=method)
    assert float(np.max(np.abs((near.params - fit.params) / fit.bse))) < 0.5
    assert "standard errors from the maximum" in " ".join(str(near.summary()).split())


@pytest.mark.parametrize(
    "arguments", [{"rule": "adam"}, {"rule": sd.Adam}, {"schedule": 0.1}, {"schedule": sd.Steps()}]
)
def test_what_is_no_rule_or_schedule_is_refused(arguments):
    with pytest.raises(sd.ModelError, match=r"sd\."):
        sd.GradientDescent(**arguments)


@pytest.mark.parametrize("n", [300, 15000])
@pytest.mark.parametrize("family", ["binomial", "poisson", "gamma"])
@pytest.mark.parametrize("offset", [300.0, -700.0])
def test_a_constant_offset_moves_the_intercept_alone(family, offset, n):
    random = np.random.default_rng(0)
    X = random.normal(size=(n, 3))
    eta = X @ [0.3, -0.2, 0.5] - 0.5
    y = {
        "binomial": random.random(n) < 1 / (1 + np.exp(-eta)),
        "poisson": random.poisson(np.exp(eta)),
        "gamma": random.gamma(2, 1, n) * np.exp(eta),
    }[family]
    link = {"link": "log"} if family == "gamma" else {}
    plain = sd.glm(X=X, y=y, family=family, **link)
    moved = sd.glm(X=X, y=y, family=family, offset=np.full(n, offset), **link)
    assert moved.converged
    np.testing.assert_allclose(moved.params[1:], plain.params[1:], rtol=1e-9)
    np.testing.assert_allclose(moved.params[:1], plain.params[:1] - offset, rtol=1e-12)
    np.testing.assert_allclose(moved.bse, plain.bse, rtol=1e-9)
