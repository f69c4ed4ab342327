"""Fits to blocks are the fits in memory: every model, source and size of block."""

import sys
import warnings
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import statdl as sd
from statdl.estimate.separation import separation
from tests.scan.data import assert_same, drawn
from tests.scan.sources import SOURCES, pandas

RIGHT = (
    "x + z",
    "x + g",
    "g*z + scale(x)",
    "poly(z, 3) + center(x) + factor(h)",
    "bs(z, df=4) + g",
    "ns(z, df=3) + g",
    "relevel(g, 'b') + I(h == 2) + log(z)",
    "C(g, contr.sum) + standardize(x) + offset(z) - 1",
    "scale(log(z)) + poly(scale(x), 2)",
)


def lm(right, data, **more):
    return sd.lm(f"y ~ {right}", data=data, **more)


def logit(right, data, **more):
    return sd.glm(f"k ~ {right}", data=data, family="binomial", **more)


def probit(right, data, **more):
    return sd.glm(f"I(k > 0) ~ {right}", data=data, family="binomial", link="probit", **more)


def trials(right, data, **more):
    return sd.glm(f"cbind(s, t) ~ {right}", data=data, family="binomial", **more)


def poisson(right, data, **more):
    return sd.glm(f"c ~ {right}", data=data, family="poisson", **more)


def gamma(right, data, **more):
    return sd.glm(f"e ~ {right}", data=data, family="gamma", link="log", **more)


def softmax(right, data, **more):
    return sd.multinom(f"f ~ {right}", data=data, **more)


def ridge(right, data, **more):
    return sd.lm(f"y ~ {right}", data=data, penalty=1.5, **more)


MODELS = (lm, logit, probit, trials, poisson, gamma, softmax, ridge)


def both(model, right, frame, scan, **more):
    """Fit in memory and in blocks; what one refuses, so does the other."""
    found = []
    for data in (frame, scan):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found.append(model(right, data, **more))
            except sd.StatdlError as error:
                found.append(error)
    return found


@settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    model=st.sampled_from(MODELS),
    right=st.sampled_from(RIGHT),
    source=st.sampled_from(SOURCES),
    size=st.sampled_from(((1, 30), (2, 50), (13, 110), (50, 140), (1000, 140))),
    seed=st.integers(0, 10**6),
    weights=st.sampled_from((None, "w")),
    subset=st.sampled_from((None, "z < 2.5 & h != 9")),
)
def test_blocks_give_the_fit_in_memory(tmp_path, model, right, source, size, seed, weights, subset):
    rows, n = size
    frame = drawn(n, seed)
    if source.__name__ in ("partitions", "relation") and rows < 13:
        rows = 13  # thousands of tasks and queries would say no more
    scan = source(frame, tmp_path, rows)
    here, there = both(model, right, frame, scan, weights=weights, subset=subset)
    if isinstance(here, Exception):
        assert type(there) is type(here), (here, there)
        return
    assert not isinstance(there, Exception), there
    assert there.nobs == here.nobs
    assert there.converged == here.converged
    if not here.converged:
        return
    assert_same(there.params, here.params)
    assert_same(there.bse, here.bse, of="bse")
    for name in ("llf", "deviance", "aic"):
        assert_same(getattr(there, name), getattr(here, name), of=name)


@pytest.mark.parametrize("method", ["newton", "lbfgs", "irls"])
def test_every_solver(method):
    frame = drawn(200, 3)
    scan = pandas(frame, None, 60)
    here = sd.glm("k ~ x + g", data=frame, family="binomial", method=method)
    there = sd.glm("k ~ x + g", data=scan, family="binomial", method=method)
    assert_same(there.params, here.params, 1e-10 if method != "lbfgs" else 1e-7)


def test_bias_reduction():
    frame = drawn(120, 4)
    asked = {"family": "binomial", "bias_reduction": True}
    here = sd.glm("k ~ z + g", data=frame, **asked)
    there = sd.glm("k ~ z + g", data=pandas(frame, None, 40), **asked)
    assert_same(there.params, here.params, 1e-7)


def test_columns_that_nearly_depend_take_the_stable_way():
    frame = drawn(300, 5, missing=False)
    frame["x2"] = frame.x + 1e-4 * frame.e
    here = sd.lm("y ~ x + x2 + z", data=frame)
    there = sd.lm("y ~ x + x2 + z", data=pandas(frame, None, 11))
    assert there.convergence.passes > 2  # products, factors, and refinement from the rows
    assert_same(there.params, here.params)
    assert_same(there.bse, here.bse, 1e-9)


def test_columns_that_do_depend_are_na_in_both():
    frame = drawn(200, 6, missing=False)
    for model in (lm, logit):
        with pytest.warns(sd.RankWarning):
            here = model("x + I(2*x) + z", frame)
        with pytest.warns(sd.RankWarning):
            there = model("x + I(2*x) + z", pandas(frame, None, 30))
        assert_same(there.params, here.params)


def test_a_sample_is_the_start(monkeypatch):
    """Enough rows that a sample of them starts the fit, and few passes follow."""
    monkeypatch.setattr(sys.modules["statdl.scan.sample"], "SAMPLE_BYTES", 600_000)
    frame = drawn(60_000, 7)
    for model, most in ((logit, 5), (softmax, 5), (poisson, 5)):
        here, there = both(model, "x + z + h", frame, pandas(frame, None, 10_000))
        here = here.update(method=sd.Newton(expected=True, tolerance=1e-12))
        assert there.convergence.passes <= most, (model.__name__, there.convergence.passes)
        assert_same(there.params, here.params)
        assert_same(there.bse, here.bse)


def test_least_squares_of_plain_columns_is_one_pass():
    fit = sd.lm("y ~ x + z", data=pandas(drawn(500, 8), None, 50))
    assert fit.convergence.passes == 1
    anova, tests = fit.anova(), fit.anova(typ=2)
    assert len(anova["Df"])
    assert len(tests["Df"])
    assert fit.estimate.specification.rows.passes == 1  # the triangle tells all of it
    assert sd.lm("y ~ x + z", data=drawn(500, 8)).convergence.passes == 0


def test_separation_is_found():
    frame = drawn(80, 9, missing=False)
    frame["k"] = (frame.x > 100).astype(float)
    with pytest.warns(sd.SeparationWarning, match="'x'"):
        fit = sd.glm("k ~ x", data=pandas(frame, None, 20), family="binomial")
    assert not fit.converged


def test_one_row_of_many_decides_on_separation():
    """It is not in the first block, and joins it."""
    frame = drawn(801, 10, missing=False)
    frame["k"] = (frame.x > 100).astype(float)
    fit = sd.lm("k ~ x", data=pandas(frame, None, 100))
    objective = replace(fit.estimate.objective, family=sd.families.Binomial())
    assert separation(objective) is not None
    frame.loc[frame.x[1::2].idxmax(), "k"] = 0.0
    frame.loc[frame.x[1::2].idxmin(), "k"] = 1.0
    fit = sd.lm("k ~ x", data=pandas(frame, None, 100))
    assert separation(replace(fit.estimate.objective, family=sd.families.Binomial())) is None
