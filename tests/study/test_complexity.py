"""Under- and overfitting: errors by hand, verdicts on cases whose truth is known, messages."""

import math

import numpy as np
import pandas as pd
import pytest

import statdl as sd
from statdl.errors import ModelError
from statdl.study.bootstrap import case_weights
from statdl.study.learning import thinned
from statdl.study.verdict import Errors, Verdict, judge


def scatter(function, n, noise, seed, low=-1.0, high=1.0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(low, high, n)
    return pd.DataFrame({"x": x, "y": function(x) + noise * rng.normal(size=n)})


WAVE = scatter(lambda x: np.sin(3 * x), 50, 0.3, 0)


# errors ---------------------------------------------------------------


def test_leave_one_out_is_what_refits_without_each_row_give():
    study = sd.polynomial("y ~ x", WAVE, degrees=(1, 4), validation="loo")
    for one in study.candidates:
        for row in (0, 7, 31):
            rest = WAVE.drop(index=row)
            fit = np.polynomial.Polynomial.fit(rest.x, rest.y, one.value)
            expected = (WAVE.y[row] - fit(WAVE.x[row])) ** 2
            np.testing.assert_allclose(one.errors.validation[row], expected, rtol=1e-8)


def test_leave_one_out_is_cross_validation_with_as_many_folds_as_rows():
    loo = sd.polynomial("y ~ x", WAVE, degrees=(3,), validation="loo")
    folds = sd.polynomial("y ~ x", WAVE, degrees=(3,), folds=len(WAVE))
    left, right = (study.candidates[0].errors.validation_error for study in (loo, folds))
    np.testing.assert_allclose(left, right, rtol=1e-8)


def test_folds_learn_from_the_other_rows_only():
    study = sd.complexity(sd.lm("y ~ scale(x)", WAVE), over={"penalty": (None, 5.0)}, folds=5)
    for one in study.candidates:
        assert one.errors.validation.shape == (len(WAVE),)
        assert one.errors.validation_error > one.errors.training_error
    # a wild value changes the error of its own row and of rows judged without it, not the reverse
    wild = WAVE.copy()
    wild.loc[0, "y"] = 1e3
    other = sd.complexity(sd.lm("y ~ scale(x)", wild), over={"penalty": (None,)}, folds=5)
    after, before = (one.candidates[0].errors.validation for one in (other, study))
    moved = np.abs(after - before) > 1e-9
    assert moved.sum() == 41  # its own fold but for itself has not seen it


def test_split_keeps_validation_and_test_rows_apart():
    study = sd.polynomial("y ~ x", WAVE, degrees=(1, 3), validation="split", seed=3)
    one = study.candidates[0]
    assert (len(one.errors.training), len(one.errors.validation)) == (30, 10)
    fit = one.fit
    assert fit.nobs == 30
    used = fit.estimate.frame.rows
    others = WAVE.drop(index=WAVE.index[used])
    squares = (others.y - np.asarray(fit.predict(others))) ** 2
    total = one.errors.validation.sum() + 10 * one.test
    np.testing.assert_allclose(total, squares.sum(), rtol=1e-10)


def test_weights_count_rows_held_out_as_well():
    data = WAVE.assign(w=np.arange(len(WAVE)) % 3 + 1.0)
    study = sd.polynomial("y ~ x", data, degrees=(2,), weights="w", folds=5)
    errors = study.candidates[0].errors
    assert sorted(errors.validation_weights) == sorted(data.w)


def test_raw_coefficients_are_those_of_powers():
    study = sd.polynomial("y ~ x", WAVE, degrees=(3, 9))
    for degree in (3, 9):
        expected = np.polynomial.Polynomial.fit(WAVE.x, WAVE.y, degree).convert().coef
        np.testing.assert_allclose(study.coefficients(degree), expected, rtol=1e-7, atol=1e-8)
    assert study.coefficients(3).index.tolist() == ["1", "x", "x^2", "x^3"]
    assert study.coefficients(3, raw=False).index[0] == "Intercept"


def test_other_terms_stay_in_the_model():
    data = WAVE.assign(g=np.where(np.arange(50) % 2, "a", "b"))
    study = sd.polynomial("y ~ x + g", data, variable="x", degrees=(1, 3))
    assert study.candidates[1].fit.params.index.tolist()[-1].startswith("poly(x, 3)")
    assert any(name.startswith("g[") for name in study.candidates[0].fit.params.index)


def test_double_descent_beyond_the_number_of_rows():
    data = scatter(lambda x: 2 * x + np.cos(6 * x), 15, 0.1, 4)
    degrees = (3, 8, 14, 40, 150)
    study = sd.polynomial("y ~ x", data, degrees=degrees, minimum_norm=True, folds=15)
    errors = dict(zip(degrees, study.candidates, strict=True))
    assert errors[150].errors.training_error < 1e-10  # it goes through every row
    peak = max(errors[d].errors.validation_error for d in (14, 40))
    assert errors[150].errors.validation_error < 0.1 * peak
    below = sd.polynomial("y ~ x", data, degrees=(3,), folds=15).candidates[0].errors
    np.testing.assert_allclose(errors[3].errors.validation, below.validation, rtol=1e-5)


# the verdict ---------------------------------------------------------------


def even(training, validation, df, n=100):
    return Errors(np.full(n, training), np.full(n, validation), np.ones(n), np.ones(n), df)


def test_table_of_errors_and_verdicts():
    found = judge(
        [even(1.0, 1.02, 3), even(3.0, 3.1, 1), even(0.3, 2.5, 60), even(2.0, 3.3, 10)],
        (3, 1, 60, 10),
    )
    assert [one.verdict for one in found.judgements] == [
        Verdict.NEITHER,
        Verdict.UNDERFITTING,
        Verdict.OVERFITTING,
        Verdict.BOTH,
    ]
    assert (found.chosen, found.lowest) == (0, 0)


def test_simplest_within_one_standard_error_is_chosen():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=200)
    ones = np.ones(200)

    def errors(validation, df):
        return Errors(ones, validation, ones, ones, df)

    candidates = [errors(1.5 + noise, 1), errors(1.01 + 2 * noise, 2), errors(1.0 + noise, 5)]
    assert judge(candidates, (1, 2, 5)).chosen == 1


def test_infinite_errors_are_overfitting_and_never_the_best():
    found = judge(
        [even(1.0, 1.1, 2), even(0.0, math.inf, 50), even(0.0, math.nan, 60)], (2, 50, 60)
    )
    assert found.lowest == 0
    assert found.judgements[1].verdict is Verdict.OVERFITTING


FUNCTIONS = {
    "line": lambda x: 2 * x,
    "parabola": lambda x: 3 * x**2 - x,
    "cubic": lambda x: 4 * x**3 - 2 * x,
    "wave": lambda x: np.sin(4 * x),
    "fast wave": lambda x: np.sin(9 * x),
    "bump": lambda x: 2 * np.exp(-12 * x**2),
}
#: (truth, rows, noise, degree): 10 of each kind, told from bias² and variance below
CASES = [
    *[("parabola", n, s, 1) for n, s in ((40, 0.3), (100, 0.5), (300, 0.8))],
    *[("cubic", n, s, 1) for n, s in ((40, 0.2), (150, 0.3))],
    *[("wave", n, s, d) for n, s, d in ((60, 0.2, 1), (200, 0.3, 2))],
    *[("fast wave", n, s, d) for n, s, d in ((80, 0.2, 3), (200, 0.3, 5))],
    ("bump", 100, 0.2, 2),
    *[("line", n, s, d) for n, s, d in ((20, 0.5, 9), (24, 1.0, 12), (30, 0.5, 15))],
    *[("parabola", n, s, d) for n, s, d in ((20, 0.5, 10), (25, 0.8, 13))],
    *[("cubic", n, s, d) for n, s, d in ((20, 0.5, 11), (26, 0.6, 14))],
    *[("wave", n, s, d) for n, s, d in ((22, 0.4, 13), (25, 0.5, 15), (20, 0.5, 12))],
    *[("line", n, s, 1) for n, s in ((40, 0.3), (200, 1.0), (500, 0.5))],
    *[("parabola", n, s, 2) for n, s in ((40, 0.3), (150, 0.8))],
    *[("cubic", n, s, 3) for n, s in ((50, 0.3), (300, 0.5))],
    *[("wave", n, s, d) for n, s, d in ((80, 0.3, 5), (200, 0.3, 6))],
    ("fast wave", 200, 0.3, 11),
]


def truth_of(name, n, noise, degree):
    """What a case is, from its bias² and the variance of new rows, without its responses."""
    function = FUNCTIONS[name]
    x = scatter(function, n, noise, seed_of(name, n, degree)).x.to_numpy()
    new = np.linspace(-1, 1, 2001)[1:-1]
    risks = {}
    for d in range(1, 17):
        basis, fresh = (np.polynomial.chebyshev.chebvander(one, d) for one in (x, new))
        hat = fresh @ np.linalg.pinv(basis)
        bias = np.mean((hat @ function(x) - function(new)) ** 2)
        risks[d] = (bias, noise**2 * np.mean(np.sum(hat**2, axis=1)))
    best = min(sum(risk) for risk in risks.values())
    bias, variance = risks[degree]
    if bias + variance - best < 0.1 * (noise**2 + best):
        return Verdict.NEITHER
    return Verdict.UNDERFITTING if bias > 2 * variance else Verdict.OVERFITTING


def seed_of(name, n, degree):
    return [len(name), n, degree]


def test_verdicts_on_cases_whose_truth_is_known():
    right = []
    for name, n, noise, degree in CASES:
        data = scatter(FUNCTIONS[name], n, noise, seed_of(name, n, degree))
        most = min(16, n // 2)
        study = sd.polynomial(
            "y ~ x", data, degrees=range(1, max(most, degree) + 1), validation="loo"
        )
        verdict = study.judgements[degree - 1].verdict
        right.append(verdict is truth_of(name, n, noise, degree))
    assert len(CASES) == 30
    assert sum(right) >= 27, [case for case, ok in zip(CASES, right, strict=True) if not ok]


# other models, other knobs ---------------------------------------------------------------


def test_hidden_units_of_a_network():
    data = scatter(lambda x: np.sin(5 * x), 120, 0.2, 1)
    net = sd.mlp("y ~ x", data, hidden=2, decay=1e-3, restarts=3, seed=0)
    study = sd.complexity(net, over={"hidden": (1, 4)}, folds=4)
    assert study.verdicts[1] == "underfitting (high bias)"
    assert study.best_value == 4
    assert study.best.plan.network.hidden[0].units == 4


def test_decay_counts_more_as_simpler():
    data = scatter(lambda x: np.sin(5 * x), 100, 0.2, 1)
    net = sd.mlp("y ~ x", data, hidden=5, decay=1e-3, restarts=2, seed=0)
    study = sd.complexity(net, over={"decay": (1e-3, 1e2)}, folds=4)
    assert study.verdicts[1e2] == "underfitting (high bias)"
    assert study.table["Eff. df"][0] > study.table["Eff. df"][1]


def test_epochs_of_a_trained_network():
    data = scatter(lambda x: np.sin(5 * x), 100, 0.2, 1)
    method = sd.GradientDescent(sd.Adam(0.02), batch=25, epochs=5)
    net = sd.mlp("y ~ x", data, hidden=8, method=method, seed=0)
    study = sd.complexity(net, over={"epochs": (1, 150)}, folds=4)
    assert study.verdicts[1] == "underfitting (high bias)"
    assert study.best_value == 150


def test_lambda_of_a_classifier_and_of_several_classes():
    iris = sd.datasets.load("iris")
    study = sd.complexity(sd.multinom("Species ~ .", iris), over={"lambda": (0.1, 1e4)}, folds=5)
    assert study.verdicts[1e4] == "underfitting (high bias)"
    errors = study.candidates[0].errors
    assert len(errors.validation) == 150
    assert "log-likelihood" in study.measure


def test_polynomial_of_a_probability():
    rng = np.random.default_rng(2)
    x = rng.uniform(-2, 2, 400)
    p = 1 / (1 + np.exp(-(2 - 3 * x**2)))
    data = pd.DataFrame({"x": x, "y": (rng.uniform(size=400) < p).astype(int)})
    study = sd.polynomial("y ~ x", data, degrees=(1, 2, 6), family="binomial")
    assert study.best_value == 2
    assert study.verdicts[1] == "underfitting (high bias)"
    axes = study.plot_fits((1, 2))
    assert len(axes) == 2


def test_arrays_and_other_data():
    X, y = WAVE[["x"]].to_numpy(), WAVE.y.to_numpy()
    study = sd.complexity(sd.lm(X=X, y=y), over={"lambda": (0, 1.0)}, folds=5)
    other = sd.complexity(sd.lm(X=X[:20], y=y[:20]), (X, y), over={"lambda": (0, 1.0)}, folds=5)
    np.testing.assert_allclose(
        study.candidates[1].errors.validation, other.candidates[1].errors.validation
    )


# what it prints and draws ---------------------------------------------------------------


def test_table_says_what_was_chosen_and_how():
    study = sd.polynomial("y ~ x", WAVE, degrees=range(1, 8), test=0.2)
    printed = str(study)
    for text in (
        "10-fold cross-validation",
        "Verdict",
        "Test",
        "Condition (raw)",
        "Chosen: degree",
    ):
        assert text in printed
    assert list(study.reasons()) == list(range(1, 8))
    assert "too simple" in study.reasons()[1]


def test_smallest_error_at_the_edge_is_said():
    study = sd.polynomial("y ~ x", WAVE, degrees=(1, 2, 3))
    assert "last degree tried" in str(study)


def test_picture_shows_the_errors():
    study = sd.polynomial("y ~ x", WAVE, degrees=range(1, 8))
    ax = study.plot()
    lines = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    table = study.table
    np.testing.assert_allclose(lines["training"], table["Training"])
    np.testing.assert_allclose(lines["validation"], table["Validation"])
    assert study.plot(ax) is ax


# bias and variance ---------------------------------------------------------------


def test_parts_of_least_squares_are_those_of_its_hat_matrix():
    study = sd.polynomial("y ~ x", WAVE, degrees=(1, 3, 6), validation="loo")
    found = sd.bias_variance(study, lambda rows: np.sin(3 * rows["x"]), noise=0.3, B=4000)
    f = np.sin(3 * WAVE.x.to_numpy())
    for degree, parts in zip((1, 3, 6), found.parts, strict=True):
        Q, _ = np.linalg.qr(np.polynomial.chebyshev.chebvander(WAVE.x, degree))
        bias = np.mean((f - Q @ (Q.T @ f)) ** 2)
        variance = 0.09 * (degree + 1) / len(WAVE)
        np.testing.assert_allclose(parts.variance, variance, rtol=0.06)
        np.testing.assert_allclose(parts.bias, bias, rtol=0.05, atol=1e-4)
        np.testing.assert_allclose(parts.noise, 0.09)
        np.testing.assert_allclose(parts.total, parts.bias + parts.variance + parts.noise)


def test_resampled_rows_tell_a_rigid_from_a_wild_model():
    study = sd.polynomial("y ~ x", WAVE, degrees=(1, 3, 9), validation="loo")
    low, right, high = sd.bias_variance(study, B=200).parts
    assert low.bias > 3 * right.bias
    assert high.variance > 2 * right.variance
    assert "resampled rows" in str(sd.bias_variance(study, B=50))


def test_stack_has_the_parts():
    study = sd.polynomial("y ~ x", WAVE, degrees=(1, 3), validation="loo")
    ax = sd.bias_variance(study, B=20).plot()
    assert [text.get_text() for text in ax.get_legend().get_texts()][-3:] == [
        "noise",
        "bias²",
        "variance",
    ]


# learning curves ---------------------------------------------------------------


def test_many_parameters_and_few_rows_want_more():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 20))
    y = X @ rng.normal(size=20) + rng.normal(size=60)
    curve = sd.learning_curve(sd.lm(X=X, y=y), sizes=(0.6, 0.7, 0.8, 0.9, 1))
    assert curve.helps
    assert "More data would help" in curve.reading
    assert curve.limit < curve.validation[-1]


def test_a_line_through_many_rows_wants_none():
    data = scatter(lambda x: 2 * x, 800, 0.5, 3)
    curve = sd.learning_curve(sd.lm("y ~ x", data))
    assert not curve.helps
    assert "would not help" in str(curve)
    np.testing.assert_allclose(curve.limit, 0.25, rtol=0.1)
    assert curve.plot().get_xlabel() == "rows learnt from"


@pytest.mark.parametrize("seed", range(4))
def test_few_wild_errors_do_not_promise_the_impossible(seed):
    x = np.random.default_rng(5).uniform(-1, 1, 200)
    data = {"x": x, "y": np.sin(3 * x) + 0.4 * np.random.default_rng(6).normal(size=200)}
    curve = sd.learning_curve(sd.lm("y ~ poly(x, 12)", data), seed=seed)
    np.testing.assert_allclose(curve.limit, 0.16, rtol=0.25)
    np.testing.assert_allclose(curve.saving, 0.16 * 13 / (2 * 160), rtol=0.5)  # σ² p / 2m


# searches ---------------------------------------------------------------


def test_search_finds_the_penalty_and_goes_on():
    data = scatter(lambda x: 2 * x, 60, 0.3, 3)
    fit = sd.lm("y ~ poly(x, 8)", data)
    found = sd.search(fit, space={"lambda": (1e-4, 1e4)}, n=10, seed=1)
    again = sd.search(fit, space={"lambda": (1e-4, 1e4)}, n=10, seed=1)
    assert [one.point for one in found.trials] == [one.point for one in again.trials]
    error = found.best_error
    assert len(found.more(10).trials) == 20
    assert found.best_error <= error
    tried = found.to_frame()
    assert found.best_point["lambda"] == tried["lambda"][tried.validation.idxmin()]
    assert found.best.nobs == 60


def test_finer_part_stays_near_the_best():
    data = scatter(lambda x: 2 * x, 60, 0.3, 3)
    found = sd.search(sd.lm("y ~ x", data), space={"lambda": (1e-4, 1e4)}, n=20)
    for k in range(12, 20):
        best = min(found.trials[:k], key=lambda one: one.error)
        away = math.log(found.trials[k].point["lambda"] / best.point["lambda"])
        assert abs(away) <= math.log(1e8) / 8 + 1e-12


def test_halving_spends_most_rows_on_the_better_points():
    data = scatter(lambda x: 2 * x, 200, 0.3, 3)
    found = sd.search(sd.lm("y ~ x", data), space={"lambda": (1e-4, 1e6)}, n=8, halving=True)
    assert [one.share for one in found.trials] == [0.25] * 8 + [0.5] * 4 + [1.0] * 2
    assert "Share of rows" in found.table.columns


def test_points_that_cannot_be_fitted_are_results():
    net = sd.mlp("y ~ x", WAVE, hidden=2, decay=0.1, seed=0)
    found = sd.search(net, space={"hidden": [2, -1]}, n=6, folds=3)
    failures = [one for one in found.trials if one.failure]
    assert failures
    assert found.best_point == {"hidden": 2}
    assert failures[0].failure in found.table.notes


def test_optuna_suggests_points():
    class Suggests:
        def suggest_float(self, name, low, high, log):
            assert (name, low, high, log) == ("lambda", 1e-3, 1e3, True)
            return 1.0

    found = sd.search(sd.lm("y ~ x", WAVE), space={"lambda": (1e-3, 1e3)}, n=1)
    error = found.objective(Suggests())
    assert found.trials[-1].point == {"lambda": 1.0}
    assert found.trials[-1].error == error


# bad input ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sd.polynomial("y ~ x", WAVE.assign(x=1.0)), "'x' is constant"),
        (
            lambda: sd.polynomial("y ~ x", WAVE[:12]),
            "degree 15 needs 16 or more; use degrees up to",
        ),
        (lambda: sd.polynomial("y ~ x", WAVE, degrees=(0, 1)), "whole numbers from 1 on, not 0"),
        (lambda: sd.polynomial("y ~ x", WAVE, degrees=()), "not 'empty'"),
        (lambda: sd.polynomial("y ~ x + I(x**2)", WAVE), "say with variable="),
        (lambda: sd.polynomial("y ~ x", WAVE, variable="z"), "'z' is no term"),
        (lambda: sd.polynomial("y ~ x", WAVE, validation="cv"), "choose kfold, loo, split"),
        (
            lambda: sd.polynomial("y ~ x", WAVE, degrees=(1,), folds=51),
            "51 folds need 51 rows or more, and there are 50",
        ),
        (lambda: sd.polynomial("y ~ x", WAVE, degrees=(1,), test=1.0), "share of rows kept"),
        (
            lambda: sd.polynomial("y ~ x", WAVE, validation="split", shares=(0.9, 0.2, 0.1)),
            "add up to 1",
        ),
        (lambda: sd.complexity(WAVE, over={"decay": (1,)}), "A fit is studied"),
        (lambda: sd.complexity(sd.lm("y ~ x", WAVE), over={"hidden": (1,)}), "no knob 'hidden'"),
        (lambda: sd.complexity(sd.lm("y ~ x", WAVE), over={"epochs": (1,)}), "gradient descent"),
        (lambda: sd.complexity(sd.lm("y ~ x", WAVE), over={"lambda": ()}), "no setting to try"),
        (lambda: sd.complexity(sd.lm("y ~ x", WAVE), over={}), "one knob"),
        (
            lambda: sd.complexity(
                sd.glm("y > 0 ~ x", WAVE, family="binomial"),
                over={"lambda": (1,)},
                validation="loo",
            ),
            "exact for least squares",
        ),
        (lambda: sd.learning_curve(sd.lm("y ~ x", WAVE), sizes=(1000,)), "leave 40 to learn from"),
        (lambda: sd.learning_curve(sd.lm("y ~ x", WAVE), sizes=(0,)), "above 0"),
        (lambda: sd.search(sd.lm("y ~ x", WAVE), space={}), "no knob"),
        (lambda: sd.search(sd.lm("y ~ x", WAVE), space={"lambda": (2.0, 1.0)}), "upside down"),
        (lambda: sd.search(sd.lm("y ~ x", WAVE), space={"lambda": []}), "no setting"),
        (lambda: sd.search(sd.lm("y ~ x", WAVE), space={"lambda": (1, 2)}, n=0), "1 or more"),
        (lambda: sd.bias_variance(3), "takes a study"),
    ],
)
def test_bad_input_says_what_to_do(call, message):
    with pytest.raises(sd.StatdlError) as raised:
        call()
    assert message in str(raised.value)


def test_a_class_that_would_be_lost_is_named():
    iris = sd.datasets.load("iris")
    few = pd.concat([iris[:50], iris[50:51], iris[100:150]])
    fit = sd.multinom("Species ~ Sepal.Length", few)
    with pytest.raises(sd.DataError, match="versicolor"):
        sd.complexity(fit, over={"lambda": (1,)}, folds=5)


def test_truth_of_another_length_is_refused():
    study = sd.polynomial("y ~ x", WAVE, degrees=(1,), validation="loo")
    with pytest.raises(sd.DataError, match="3 values for the 50 rows"):
        sd.bias_variance(study, [1.0, 2.0, 3.0])


def test_missing_rows_are_left_out():
    data = WAVE.copy()
    data.loc[3, "y"] = np.nan
    study = sd.polynomial("y ~ x", data, degrees=(2,), folds=7)
    assert len(study.candidates[0].errors.validation) == 49


def test_reports_read_the_verdicts_and_show_the_pictures(tmp_path):
    study = sd.polynomial("y ~ x", WAVE, degrees=(1, 3, 9))
    things = (study, sd.bias_variance(study, B=20), sd.learning_curve(sd.lm("y ~ x", WAVE)))
    pages = []
    for k, thing in enumerate(things):
        thing.report(tmp_path / f"{k}.html")
        pages.append((tmp_path / f"{k}.html").read_text(encoding="utf-8"))
    assert "underfitting (high bias)" in pages[0]
    assert "too simple" in pages[0]
    assert all("<svg" in page or "image/svg" in page for page in pages)
    assert things[2].reading in pages[2]


def test_a_learning_curve_of_unfinished_training_says_nothing_of_data():
    """More rows are more steps: the distance of the errors is small, and no sign of enough data."""
    iris = sd.datasets.load("iris")
    short, long = (
        sd.mlp(
            "Species ~ .",
            data=iris,
            hidden=8,
            method=sd.GradientDescent(sd.Adam(0.01), batch=16, epochs=epochs),
        )
        for epochs in (15, 200)
    )
    curve = sd.learning_curve(short, folds=5)
    assert curve.unfinished
    assert "not yet trained to the end" in str(curve)
    assert "not trained to the end" in curve.plot().get_title(loc="left")
    assert not sd.learning_curve(long, folds=5).unfinished
    assert not sd.learning_curve(sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"))).unfinished


def test_errors_beyond_all_bounds_of_every_setting_are_said():
    each = np.ones(5)
    lost = Errors(each, np.full(5, math.inf), each, each, 2.0)
    with pytest.raises(ModelError, match="No setting has a finite error on rows held out"):
        judge([lost, lost], (1, 2))


def test_resamples_that_leave_a_column_empty_tell_nothing_of_its_rows():
    cars = sd.datasets.load("mtcars")
    data = cars.assign(solo=1.0 * (np.arange(32) == 7))
    fit = sd.lm("mpg ~ wt + solo", data=data)
    counts = case_weights(fit.estimate, 60, 0)
    means = np.where(counts == 0, sd.fit_many(fit, weights=counts).predict(), np.nan)
    usable = np.isfinite(means).sum(axis=0) > 1
    assert not usable[7]
    study = sd.complexity(fit, over={"lambda": (0,)})
    found = sd.bias_variance(study, noise=1.0, B=60, seed=0)
    variance = np.nanvar(means[:, usable], axis=0, ddof=1).mean()
    np.testing.assert_allclose(found.parts[0].variance, variance, rtol=1e-6)


@pytest.mark.parametrize("kind", [int, str, bool])
def test_few_rows_have_both_classes_however_they_are_written(kind):
    random = np.random.default_rng(0)
    data = pd.DataFrame({"x": random.normal(size=60), "y": np.arange(60) % 2})
    fit = sd.glm("y ~ x", data=data.astype({"y": kind}), family="binomial")
    frame = fit.estimate.frame
    for seed in range(20):
        few = thinned(frame, np.arange(40), 0.1, seed)
        assert set(data["y"][few]) == {0, 1}
    found = sd.search(fit, space={"lambda": (0.01, 10.0)}, n=16, folds=3, halving=True)
    assert found.table.notes == ()


def test_folds_of_two_numbers_are_those_of_two_words():
    cars = sd.datasets.load("mtcars")
    cars = cars.assign(word=np.where(cars["am"] == 1, "yes", "no"))
    found = [
        sd.complexity(
            sd.glm(f"{name} ~ wt", cars, "binomial", penalty=1.0), over={"lambda": [0.5, 5.0]}
        )
        for name in ("am", "word")
    ]
    numbers, words = ([each.errors.validation_error for each in one.candidates] for one in found)
    np.testing.assert_allclose(numbers, words, rtol=1e-12)
