"""Studies of what is awkward: other terms, transformed columns, several classes, few rows."""

from __future__ import annotations

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import statdl as sd
from statdl.errors import DataError, ModelError
from statdl.study.verdict import Errors, judge


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def waves(n=60, seed=3):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.1, 1, n)
    rows = pd.DataFrame({"x": x, "y": np.sin(6 * x) + 0.3 * rng.standard_normal(n)})
    rows["z"] = 3 * rng.standard_normal(n)
    rows["f"] = rng.choice(["u", "v"], n)
    rows["k"] = rng.choice(["a", "b", "c"], n)
    return rows


# ---------------------------------------------------------------------------------------------
# Verdicts


def test_the_simplest_with_the_worst_training_error_does_not_overfit():
    rng = np.random.default_rng(0)
    ones = np.ones(40), np.ones(12)
    held = rng.uniform(0.9, 1.1, 12)
    line = Errors(0.258 * ones[0], 0.187 * held, *ones, 2)
    curve = Errors(0.247 * ones[0], 0.151 * held, *ones, 3)
    line_, curve_ = judge([line, curve], (1, 2)).judgements
    assert line_.verdict.name == "UNDERFITTING"
    assert "fits its own rows worse" in line_.reason
    assert curve_.verdict.name == "NEITHER"
    # what is more flexible, and fits its own rows better, still does
    wild = Errors(0.1 * ones[0], 0.187 * held, *ones, 9)
    assert judge([curve, wild], (2, 9)).judgements[1].verdict.name == "OVERFITTING"


def test_a_perfect_fit_is_not_beaten_by_rounding():
    rows = waves().assign(y=lambda one: one.x**2)
    study = sd.polynomial("y ~ x", rows, degrees=(1, 2, 3, 4))
    assert study.best_value == 2
    assert set(list(study.verdicts.values())[1:]) == {"low bias, low variance"}


def test_two_candidates_that_know_nothing_of_new_rows_do_so_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        study = sd.polynomial("y ~ x", waves().head(5), degrees=(1, 3, 4), validation="loo")
        assert "inf" in study.to_text()
    assert study.verdicts[4] == "overfitting (high variance)"


def test_the_note_says_which_standard_error():
    assert "that of the difference" in " ".join(
        sd.polynomial("y ~ x", waves(), degrees=(1, 2)).to_text().split()
    )


# ---------------------------------------------------------------------------------------------
# Polynomials


def test_a_transformed_column_has_its_own_powers():
    rows = waves()
    study = sd.polynomial("y ~ log(x)", rows, degrees=(1, 2, 6))
    line = sd.lm("y ~ log(x)", rows).params
    assert np.allclose(study.coefficients(1), line)
    square = sd.lm("y ~ log(x) + I(log(x)**2)", rows).params
    assert np.allclose(study.coefficients(2), square)
    [axes] = study.plot_fits(1)
    curve = axes.lines[-1]
    assert np.allclose(curve.get_ydata(), line.iloc[0] + line.iloc[1] * curve.get_xdata())


def test_other_terms_are_typical_where_the_curve_is():
    rows = waves().assign(y=lambda one: one.y + one.z + (one.f == "v"))
    rows.loc[0, "z"] = 30.0
    study = sd.polynomial("y ~ x + z + f", rows, variable="x", degrees=(1, 3))
    [axes] = study.plot_fits(3)
    height = np.mean(axes.lines[-1].get_ydata())
    typical = rows["f"].mode()[0]
    fit = study.candidates[1].fit
    own = fit.predict(rows.assign(z=rows.z.mean(), f=typical)).mean()
    assert abs(height - own) < 0.3  # the first row would be 30 off
    assert "typical" in axes.get_ylabel()


def test_a_variable_of_two_terms_is_refused():
    for formula in ("y ~ x + f + x:f", "y ~ x + I(x**2)", "y ~ x + log(x)"):
        with pytest.raises(ModelError, match="'x' is in the term"):
            sd.polynomial(formula, waves(), variable="x", degrees=(1, 2))


def test_every_class_has_its_curve():
    study = sd.polynomial("k ~ x", waves(), family="multinomial", degrees=(1, 2))
    first, second = study.plot_fits((1, 2))
    curves = [line for line in second.lines if len(line.get_xdata()) == 300]
    assert len(curves) == 3
    assert np.allclose(sum(line.get_ydata() for line in curves), 1)
    ticks = [line for line in first.lines if len(line.get_xdata()) < 300]
    assert sum(len(line.get_xdata()) for line in ticks) == 60
    two = sd.polynomial("f ~ x", waves(), family="binomial", degrees=(1,))
    assert two.plot_fits(1)[0].get_ylabel() == "P(f = v)"


def test_double_descent_is_seen():
    study = sd.polynomial(
        "y ~ x", waves(14), degrees=(1, 3, 8, 12, 13, 20, 80), minimum_norm=True, folds=7
    )
    axes = study.plot_curve()
    held = np.asarray(study.table["Validation"])
    assert held[2:5].max() > 50 * held[-1] > 0
    assert axes.get_yscale() == "log"
    low, high = axes.get_ylim()
    assert low < held.min()
    assert held.max() < high
    usual = sd.polynomial("y ~ x", waves(), degrees=(1, 3, 5)).plot_curve()
    assert usual.get_yscale() == "linear"


def test_a_report_without_a_file_prints():
    study = sd.polynomial("y ~ x", waves(), degrees=(1, 3))
    said = " ".join(study.report().to_text().split())
    assert study.reasons()[1] in said
    assert study.table.title in said


# ---------------------------------------------------------------------------------------------
# Knobs and searches


def test_no_penalty_among_small_ones_stands_beside_them():
    rows = waves()
    line = sd.lm("y ~ x + z", rows)
    axes = sd.complexity(line, over={"lambda": (0, 1e-3, 1, 1e3)}, folds=3).plot()
    assert axes.get_xscale() == "linear"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "0.001", "1", "1000"]


def test_a_range_of_a_strength_is_not_of_whole_numbers():
    rows = waves()
    found = sd.search(sd.lm("y ~ x + z", rows), rows, {"lambda": (0, 1)}, n=6, folds=3)
    values = found.to_frame()["lambda"]
    assert ((values > 0) & (values < 1)).all()
    assert values.nunique() == 6


def test_settings_are_tried_once():
    rows = waves()
    found = sd.search(sd.lm("y ~ x + z", rows), space={"lambda": [0.1, 1.0, 10.0]}, n=20, folds=3)
    assert sorted(found.to_frame()["lambda"]) == [0.1, 1.0, 10.0]
    assert sorted(found.table.document().blocks[0].rows)[0][0] == "1"
    assert len({row[0] for row in found.table.document().blocks[0].rows}) == 3


def test_a_search_goes_on_from_a_file(tmp_path):
    rows = waves()
    net = sd.mlp("y ~ x", rows, hidden=2, decay=0.1)
    space = {"decay": (1e-3, 10.0), "hidden": [1, 2, (2, 2)]}
    whole = sd.search(net, rows, space, n=4, folds=3, seed=1).more(2)
    sd.search(net, rows, space, n=4, folds=3, seed=1).to_frame().to_csv(
        tmp_path / "tried.csv", index=False
    )
    again = sd.search(
        net, rows, space, n=2, folds=3, seed=1, tried=pd.read_csv(tmp_path / "tried.csv")
    )
    for name in ("decay", "validation"):
        assert np.allclose(again.to_frame()[name], whole.to_frame()[name])
    assert again.to_frame()["hidden"].tolist() == whole.to_frame()["hidden"].tolist()
    assert again.best_point == whole.best_point
    with pytest.raises(DataError, match="no column 'decay'"):
        sd.search(net, rows, space, n=1, tried=pd.DataFrame({"hidden": [1]}))
    frame = whole.to_frame().assign(hidden="9")
    with pytest.raises(DataError, match="no setting of the space"):
        sd.search(net, rows, space, n=1, tried=frame)


# ---------------------------------------------------------------------------------------------
# Decompositions


def test_the_noise_of_a_known_truth_is_one_for_all_candidates():
    study = sd.polynomial("y ~ x", waves(200), degrees=(1, 3, 6))
    parts = sd.bias_variance(study, truth=lambda rows: np.sin(6 * rows["x"]), B=400).parts
    assert len({one.noise for one in parts}) == 1
    assert parts[0].noise == pytest.approx(0.09, rel=0.3)
    line = np.asarray(study.candidates[0].fit.predict(waves(200)))
    truth = np.sin(6 * waves(200)["x"])
    x = np.c_[np.ones(200), waves(200)["x"]]
    bias = np.mean((truth - x @ np.linalg.lstsq(x, truth, rcond=None)[0]) ** 2)
    assert parts[0].bias == pytest.approx(bias, rel=0.05)
    assert np.var(line) > 0
    # variance is σ² p / n at one σ
    assert parts[2].variance == pytest.approx(parts[0].noise * 7 / 200, rel=0.25)


# ---------------------------------------------------------------------------------------------
# Words

ROWS = waves()
LINE = sd.lm("y ~ x + z", ROWS)
NET = sd.mlp("y ~ x", ROWS, hidden=1, decay=1.0)
STUDY = sd.polynomial("y ~ x", ROWS, degrees=(1, 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sd.polynomial("y ~ x", ROWS, degrees=5), "degrees must be whole numbers"),
        (lambda: sd.polynomial("y ~ x", ROWS, degrees="abc"), "not 'abc'"),
        (lambda: sd.polynomial("y ~ x", ROWS, degrees=None), "not None"),
        (lambda: sd.polynomial("y ~ x", ROWS, degrees=(1, float("nan"))), "not nan"),
        (lambda: sd.polynomial("y ~ x", ROWS, degrees=(1,), folds="a"), "folds='a' must be"),
        (lambda: sd.polynomial("y ~ x", ROWS.head(5), degrees=(1,)), "10 folds need 10 rows"),
        (
            lambda: sd.polynomial("y ~ x", ROWS, validation="split", shares=(0.5, 0.5)),
            "three shares",
        ),
        (lambda: sd.polynomial("y ~ x", ROWS, degrees=(1,), test="a"), "test='a' is the share"),
        (lambda: sd.complexity(LINE, over=["lambda"]), "over= names one knob"),
        (lambda: sd.complexity(LINE, over={"lambda": 1}), "settings of 'lambda' are a list"),
        (lambda: sd.complexity(LINE, over={"lambda": "abc"}), "settings of 'lambda' are a list"),
        (lambda: sd.complexity(LINE, over={"lambda": ("a",)}), "A strength is a number"),
        (lambda: sd.complexity(sd.path("y ~ x", ROWS), over={"lambda": (1,)}), "a Path is none"),
        (lambda: sd.learning_curve(LINE, sizes="a"), "sizes must be shares"),
        (lambda: sd.learning_curve(LINE, sizes=0.5), "sizes must be shares"),
        (lambda: sd.learning_curve(LINE, sizes=(float("inf"),)), "sizes must be shares"),
        (lambda: sd.learning_curve(LINE, sizes=(1e-9,)), "sizes asks for no row"),
        (lambda: sd.search(LINE, space={"lambda": (1, 2)}, tried=5), "tried= needs a search"),
        (lambda: sd.search(LINE, space={"zzz": (0, 1)}, n=2), "has no knob 'zzz'"),
        (lambda: sd.search(LINE, ROWS), "The space has no knob"),
        (lambda: sd.search(LINE, space={"lambda": (1, float("inf"))}), "finite ends"),
        (lambda: sd.search(LINE, space={"lambda": "abc"}), "a range (low, high) or a list"),
        (lambda: sd.search(LINE, space={"lambda": (1, 2)}, n="a"), "n must be a whole number"),
        (lambda: sd.bias_variance(STUDY, noise=-1), "noise is a standard deviation"),
        (lambda: sd.bias_variance(STUDY, noise="a"), "noise is a standard deviation"),
        (lambda: sd.bias_variance(STUDY, truth=ROWS.x.where(ROWS.x > 0.5)), "truth is missing"),
        (lambda: sd.decay_path(NET, "abc"), "decays must be numbers"),
        (lambda: sd.input_path(NET, "abc"), "strengths must be numbers"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises((DataError, ModelError)) as caught:
        call()
    assert message in str(caught.value)
