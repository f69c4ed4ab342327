"""What is asked of a fit to blocks is what the fit in memory says."""

import numpy as np
import pandas as pd
import pytest

import statdl as sd
from tests.scan.data import assert_same, drawn
from tests.scan.sources import pandas, parquet

FRAME = drawn(400, 11)
FRAME["year"] = np.arange(400) % 7
SCAN = pandas(FRAME, None, 77)

MODELS = {
    "lm": lambda data, **more: sd.lm("y ~ x + g * z", data=data, **more),
    "lm of plain columns": lambda data, **more: sd.lm("y ~ x + z + h", data=data, **more),
    "logit": lambda data, **more: sd.glm("k ~ x + z + g", data=data, family="binomial", **more),
    "poisson": lambda data, **more: sd.glm(
        "c ~ x + poly(z, 2)", data=data, family="poisson", **more
    ),
    "gamma": lambda data, **more: sd.glm(
        "e ~ x + z", data=data, family="gamma", link="log", **more
    ),
    "multinom": lambda data, **more: sd.multinom("f ~ x + z + g", data=data, **more),
}


@pytest.fixture(scope="module", params=[(name, w) for name in MODELS for w in (None, "w")], ids=str)
def pair(request):
    """The fit in memory, and that to blocks."""
    name, weights = request.param
    return tuple(MODELS[name](data, weights=weights) for data in (FRAME, SCAN))


def numbers(table):
    frame = table.to_frame() if hasattr(table, "to_frame") else pd.DataFrame(table)
    return frame.select_dtypes("number").to_numpy(dtype=float, na_value=np.nan)


def same_tables(there, here, tolerance=1e-8):
    assert_same(numbers(there), numbers(here), tolerance)


def test_the_table_of_a_fit(pair):
    here, there = pair
    same_tables(sd.tidy(there, conf_int=True), sd.tidy(here, conf_int=True))
    same_tables(sd.glance(there), sd.glance(here))
    assert there.summary().to_text().splitlines()[-1] != ""
    same_tables(there.confint(), here.confint())


@pytest.mark.parametrize("kind", ["HC0", "HC1"])
def test_robust_covariances(pair, kind):
    here, there = pair
    assert_same(there.vcov(kind), here.vcov(kind), 1e-8)


@pytest.mark.parametrize("by", ["firm", "~ firm + year"])
def test_clustered_covariances(pair, by):
    here, there = pair
    assert_same(there.vcov(cluster=by), here.vcov(cluster=by), 1e-8)
    covered = there.with_covariance(cluster=by).confint()
    assert_same(covered, here.with_covariance(cluster=by).confint(), 1e-8)


@pytest.mark.parametrize("options", [{}, {"typ": 2}, {"typ": 3}])
def test_anova(pair, options):
    here, there = pair
    same_tables(there.anova(**options), here.anova(**options), 1e-7)


def test_dropping_and_steps(pair):
    here, there = pair
    same_tables(there.drop1(), here.drop1(), 1e-7)
    one, other = there.step(), here.step()
    same_tables(one.table, other.table, 1e-7)
    assert_same(one.fit.params, other.fit.params, 1e-8)


def test_predictions(pair, tmp_path):
    here, there = pair
    full = FRAME.dropna()
    assert_same(there.predict(full), here.predict(full), 1e-8)
    asked = {"se_fit": True, "interval": "confidence"}
    written = there.predict(parquet(full, tmp_path, 50), to=tmp_path / "p.parquet", **asked)
    expected = here.predict(full, **asked)
    assert list(pd.read_parquet(written).columns) == list(expected.columns)
    assert_same(pd.read_parquet(written), expected, 1e-8)


def test_two_fits_are_compared(pair):
    here, there = pair
    shorter = [one.update(subset="x > -9 & g != 'none'") for one in pair]  # the same rows in both
    small = [
        one.update(f"{one.formula.split('~')[0]}~ x", subset="x > -9 & g != 'none'") for one in pair
    ]
    same_tables(sd.anova(small[1], shorter[1]), sd.anova(small[0], shorter[0]), 1e-7)
    name = "yes: x" if len(here.levels) > 2 else "x"
    same_tables(there.wald([f"{name} = 0"]), here.wald([f"{name} = 0"]), 1e-7)


def test_fits_that_do_not_compare_say_so():
    fits = {
        right: sd.lm(f"y ~ {right}", data=SCAN, subset="x > -9 & g != 'none'")
        for right in ("x", "z", "x + g", "x + offset(z) + g")
    }
    with pytest.raises(sd.ModelError, match="the column 'z', which the larger one has not"):
        sd.anova(fits["z"], fits["x + g"])
    with pytest.raises(sd.ModelError, match="an offset, which the larger one has not"):
        sd.anova(fits["x"], fits["x + offset(z) + g"])
    other = sd.lm("e ~ x + g", data=SCAN, subset="x > -9 & g != 'none'")
    with pytest.raises(sd.DataError, match="different responses"):
        sd.anova(fits["x"], other)
    weighted = sd.lm("y ~ x + g", data=SCAN, subset="x > -9 & g != 'none' & w > 0", weights="w")
    with pytest.raises(sd.DataError, match=r"different (rows|weights)"):
        sd.anova(fits["x"], weighted)


@pytest.mark.parametrize("name", ["logit", "poisson"])
def test_profile_limits(name):
    here, there = (MODELS[name](data) for data in (FRAME, SCAN))
    asked = {"method": "profile", "parm": "x"}
    assert_same(there.confint(**asked), here.confint(**asked), 1e-6)


def test_fits_side_by_side(pair):
    tables = [sd.compare(one, one.update(". ~ . - x")) for one in pair]
    same_tables(tables[1], tables[0], 1e-7)
