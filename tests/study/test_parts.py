"""Fits to parts of the rows at once are those of a loop over the parts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import statdl as sd
from statdl.formula import learned
from statdl.study import learner
from statdl.study.parts import fits_to_parts

TIGHT = sd.Newton(tolerance=1e-11)
RNG = np.random.default_rng(11)
N = 120


@pytest.fixture(scope="module")
def rows():
    x, z = RNG.normal(size=(2, N))
    eta = 0.5 * x - z
    return pd.DataFrame(
        {
            "x": x,
            "z": z,
            "g": np.array(list("abc"))[np.arange(N) % 3],
            "y": eta + RNG.normal(size=N),
            "b": (RNG.random(N) < 1 / (1 + np.exp(-eta))).astype(int),
            "c": RNG.poisson(np.exp(0.5 * eta)),
            "k": np.array(list("uvw"))[np.digitize(eta + RNG.normal(size=N), [-0.5, 0.5])],
            "w": RNG.uniform(0.5, 2, size=N),
            "o": RNG.normal(size=N) / 5,
        }
    )


def models(rows):
    yield sd.lm("y ~ x + z + g", rows)
    yield sd.lm("y ~ poly(x, 3) + scale(z)", rows, weights=rows["w"], offset=rows["o"])
    yield sd.lm("y ~ x + z", rows, penalty=5.0)
    yield sd.glm("b ~ x + z", rows, family="binomial", method=TIGHT)
    yield sd.glm("b ~ x * g", rows, family="binomial", penalty=0.3, method=TIGHT)
    yield sd.glm("c ~ x + z", rows, family="poisson", weights=rows["w"], offset="o", method=TIGHT)
    yield sd.multinom("k ~ x + z", rows, method=TIGHT)
    arrays = rows[["x", "z"]].to_numpy()
    yield sd.glm(X=arrays, y=rows["b"].to_numpy(), family="binomial", method=TIGHT)


def in_a_loop(monkeypatch):
    monkeypatch.setattr(learner, "fits_to_parts", lambda model, parts: [None] * len(parts))


@pytest.mark.parametrize("place", range(8))
def test_errors_are_those_of_a_loop(rows, place, monkeypatch):
    model = list(models(rows))[place]
    places = [np.arange(0, N, 2), np.arange(40), np.arange(30, N)]
    assert all(theta is not None for theta in fits_to_parts(model.estimate, places))
    at_once = sd.complexity(model, over={"penalty": (0.5, 2.0)}, folds=6)
    learnt = sd.learning_curve(model, sizes=(0.4, 0.7, 1.0), folds=3)
    in_a_loop(monkeypatch)
    singly = sd.complexity(model, over={"penalty": (0.5, 2.0)}, folds=6)
    for one, other in zip(at_once.candidates, singly.candidates, strict=True):
        np.testing.assert_allclose(one.errors.validation, other.errors.validation, rtol=1e-8)
        np.testing.assert_allclose(
            one.errors.validation_error, other.errors.validation_error, rtol=1e-10
        )
    alone = sd.learning_curve(model, sizes=(0.4, 0.7, 1.0), folds=3)
    np.testing.assert_allclose(learnt.validation, alone.validation, rtol=1e-10)
    np.testing.assert_allclose(learnt.training, alone.training, rtol=1e-10)


@pytest.mark.parametrize("halving", [False, True])
def test_a_search_is_that_of_a_loop(rows, halving, monkeypatch):
    model = sd.glm("b ~ x + z", rows, family="binomial", method=TIGHT)
    options = {"space": {"lambda": (1e-3, 1e3)}, "n": 8, "halving": halving, "seed": 3}
    at_once = sd.search(model, **options).to_frame()
    in_a_loop(monkeypatch)
    singly = sd.search(model, **options).to_frame()
    np.testing.assert_allclose(at_once["lambda"], singly["lambda"], rtol=1e-10)
    np.testing.assert_allclose(at_once["validation"], singly["validation"], rtol=1e-10)


@pytest.mark.parametrize(
    ("formula", "any_", "space"),
    [
        ("y ~ x + g", False, False),
        ("y ~ poly(x, 2)", True, False),
        ("y ~ 0 + poly(x, 2)", True, True),
        ("y ~ z:scale(x)", True, True),
        ("y ~ bs(x, df=4)", True, True),
        ("scale(y) ~ x", True, True),
        ("y ~ log(abs(scale(x)))", True, True),
    ],
)
def test_what_a_formula_learns(rows, formula, any_, space):
    design = sd.lm(formula, rows).estimate.frame.design
    assert (learned(design), learned(design, but_space=True)) == (any_, space)


def test_what_is_left_to_a_loop(rows):
    spline = sd.lm("y ~ bs(x, df=4)", rows).estimate
    assert fits_to_parts(spline, [np.arange(60)]) == [None]
    without_c = np.flatnonzero(rows["g"] != "c")
    few = np.arange(4)
    for model in (sd.lm("y ~ x + g", rows), sd.lm("y ~ x + g", rows, penalty=1.0)):
        found = fits_to_parts(model.estimate, [without_c, few, np.arange(60)])
        assert [one is None for one in found] == [True, True, False]
    order = np.argsort(rows["x"].to_numpy())
    step = rows.iloc[order].assign(b=[0] * 60 + [1] * 60)
    step.loc[step.index[[10, 100]], "b"] = [1, 0]
    logit = sd.glm("b ~ x", step, family="binomial")
    separated = np.setdiff1d(np.arange(N), [10, 100])
    assert fits_to_parts(logit.estimate, [separated])[0] is None


def test_folds_beyond_the_rows_of_a_class_are_left_out(monkeypatch):
    iris = sd.datasets.load("iris")
    fit = sd.multinom("Species ~ Sepal.Width", data=iris)
    options = {"space": {"lambda": (1e-1, 1e2)}, "n": 2, "folds": 70}
    at_once = sd.search(fit, **options).to_frame()
    monkeypatch.setattr(learner, "fits_to_parts", lambda model, parts: [None] * len(parts))
    by_loop = sd.search(fit, **options).to_frame()
    assert np.isfinite(by_loop["validation"]).all()
    np.testing.assert_allclose(at_once["validation"], by_loop["validation"], rtol=1e-9)


def test_a_small_part_that_lacks_a_level():
    data = {"x": np.arange(60.0) % 7, "g": ["rare"] * 2 + ["a", "b"] * 29, "y": np.arange(60.0)}
    fit = sd.lm("y ~ x + g", data)
    with pytest.raises(sd.DataError, match=r"8 rows are too few to learn from: `g` of the rows"):
        sd.learning_curve(fit, sizes=[8, 20])
