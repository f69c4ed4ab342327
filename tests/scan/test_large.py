"""Rows that nothing may gather in memory: columns that nearly depend, and separation.

What ends at so many bytes is made to end at none, so that a few rows stand for very many.
"""

import sys
import warnings

import numpy as np
import pytest

import statdl as sd
from statdl.solve.iterate import Outcome
from tests.scan.data import assert_same, drawn
from tests.scan.sources import pandas, parquet, partitions
from tests.scan.test_equal import gamma, logit, poisson, softmax

GAP = 1e-5  # of two columns near 100: a condition of 1e7, of which products keep nothing


@pytest.fixture(autouse=True)
def nothing_is_gathered(monkeypatch):
    assert sd.lm  # loads the module
    monkeypatch.setattr(sys.modules["statdl.scan.rows"], "GATHERED_BYTES", 0)


def probit(right, data, **more):
    return sd.glm(f"k ~ {right}", data=data, family="binomial", link="probit", **more)


def near(n=900, seed=5):
    """Rows with x2 near x, and d, what the two differ by."""
    frame = drawn(n, seed, missing=False)
    frame["x2"] = frame.x + GAP * np.random.default_rng(seed + 1).standard_normal(n)
    frame["d"] = (frame.x2 - frame.x) / GAP  # exact but for the division
    return frame


@pytest.mark.parametrize("model", [logit, probit, poisson, gamma, softmax])
@pytest.mark.parametrize("weights", [None, "w"])
def test_nearly_dependent_columns_keep_their_digits(model, weights):
    frame = near()
    here = model("x + x2 + z + g", frame, weights=weights)
    there = model("x + x2 + z + g", pandas(frame, None, 130), weights=weights)
    assert there.convergence.factorisation == here.convergence.factorisation == "QR"
    assert_same(there.params, here.params, 1e-7)
    assert_same(there.bse, here.bse, 1e-7)
    assert_same(there.llf, here.llf)
    sound = model("x + d + z + g", frame, weights=weights)  # the same columns, far apart
    assert sound.convergence.factorisation == "Cholesky"
    assert_same(there.llf, sound.llf)
    own, plain = (np.asarray(one.params)[..., 2] if model is not softmax else
                  np.asarray(one.params)[2] for one in (there, sound))  # fmt: skip
    assert_same(own * GAP, plain, 1e-7)


@pytest.mark.parametrize("source", [parquet, partitions])
def test_from_any_source(tmp_path, source):
    frame = near(300)
    here = logit("x + x2 + z", frame)
    there = logit("x + x2 + z", source(frame, tmp_path, 60))
    assert_same(there.params, here.params, 1e-7)
    assert_same(there.bse, here.bse, 1e-7)


def test_firth_of_nearly_dependent_columns():
    frame = near(200)
    here = logit("x + x2 + z", frame, bias_reduction=True)
    there = logit("x + x2 + z", pandas(frame, None, 70), bias_reduction=True)
    assert_same(there.params, here.params, 1e-5)


def test_columns_that_do_depend_are_na():
    frame = near(300)
    for model in (logit, softmax):
        with pytest.warns(sd.RankWarning, match="'I"):
            there = model("x + I(2 * x) + x2", pandas(frame, None, 80))
        with pytest.warns(sd.RankWarning):
            here = model("x + I(2 * x) + x2", frame)
        assert_same(there.params, here.params, 1e-7)


SEPARATED = {
    "completely": ("sep ~ x + z", "binomial", "separated completely by 'x' \\(to \\+∞\\)"),
    "by a level": ("part ~ g + z", "binomial", "quasi-completely by 'g\\[T.b\\]' \\(to \\+∞\\)"),
    "zeros": ("none ~ g + z", "poisson", "quasi-completely by 'g\\[T.b\\]' \\(to −∞\\)"),
}


def separated(n=1500):
    frame = drawn(n, 9, missing=False)
    frame["sep"] = (frame.x > 100.2).astype(float)
    frame["part"] = ((frame.k == 1) | (frame.g == "b")).astype(float)
    frame["none"] = frame.c * (frame.g != "b")
    frame["three"] = np.where(frame.x > 102, "a", np.where(frame.k == 1, "b", "c"))
    return frame


@pytest.mark.parametrize("name", SEPARATED)
def test_separation_is_found_and_named(name):
    formula, family, words = SEPARATED[name]
    frame = separated()
    with pytest.warns(sd.SeparationWarning, match=words):
        there = sd.glm(formula, data=pandas(frame, None, 211), family=family)
    with pytest.warns(sd.SeparationWarning, match=words):
        here = sd.glm(formula, data=frame, family=family)
    assert there.convergence.outcome is Outcome.SEPARATION
    assert np.isnan(np.asarray(there.bse)).all()
    assert abs(there.llf - here.llf) < 1e-5
    assert there.separation().kind == here.separation().kind
    assert there.convergence.passes < 60


def test_separation_of_several_classes():
    frame = separated()
    with pytest.warns(sd.SeparationWarning, match="quasi-completely by 'x'"):
        there = sd.multinom("three ~ x + z", data=pandas(frame, None, 200))
    with pytest.warns(sd.SeparationWarning) as seen:
        here = sd.multinom("three ~ x + z", data=frame)
    assert "'x'" in str(seen[0].message)
    assert abs(there.llf - here.llf) < 1e-5


def test_rows_beyond_the_sample_can_separate(monkeypatch):
    """A column that is 0 in all of the sample separates nothing there."""
    monkeypatch.setattr(sys.modules["statdl.scan.sample"], "SAMPLE_BYTES", 0)  # 1000 rows or fewer
    frame = separated(3000)
    frame["rare"] = (frame.index % 1000 == 7).astype(float)
    frame.loc[frame.rare == 1, "c"] = 1
    frame["c"] = (frame.c > 0).astype(float)
    scan = pandas(frame, None, 250)
    with pytest.warns(sd.SeparationWarning, match="quasi-completely by 'rare'"):
        fit = sd.glm("c ~ x + rare", data=scan, family="binomial")
    assert not (fit.estimate.specification.rows.representatives().X[:, 1] == 1).any()


def test_one_row_can_undo_a_separation(monkeypatch):
    """It is in no sample: all rows are looked at before it is said."""
    monkeypatch.setattr(sys.modules["statdl.scan.sample"], "SAMPLE_BYTES", 0)  # 1000 rows or fewer
    frame = separated(3000)
    frame["sep"] = (frame.x > 100).astype(float)
    scan = pandas(frame, None, 250)
    with pytest.warns(sd.SeparationWarning):
        sd.glm("sep ~ x", data=scan, family="binomial")
    last = frame.index[(frame.x < 99) & (frame.index % 8 == 7)][-1]
    frame.loc[last, "sep"] = 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = sd.glm("sep ~ x", data=pandas(frame, None, 250), family="binomial")
    assert fit.converged
    assert not fit.separation()
    assert_same(fit.params, sd.glm("sep ~ x", data=frame, family="binomial").params)
