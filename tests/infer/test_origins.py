"""Where a column has its origin is nothing to what is inferred of its slope."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import statdl as sd
from statdl.infer import profile as room
from statdl.solve.newton import Newton

CARS = sd.datasets.load("mtcars").assign(z=lambda cars: np.arange(len(cars)) % 5 - 2.0)
SHIFTS = [2017.0, 1e5, 1e7]
FITS = {
    "binomial": lambda data: sd.glm("am ~ z + mpg", data, family="binomial"),
    "poisson": lambda data: sd.glm("carb ~ z + mpg", data, family="poisson"),
    "gamma": lambda data: sd.glm("mpg ~ z + wt", data, family="gamma"),
    "multinom": lambda data: sd.multinom("gear ~ z + mpg", data),
    "Firth": lambda data: sd.glm("am ~ z + mpg", data, family="binomial", bias_reduction=True),
    "Firth, several classes": lambda data: sd.multinom("gear ~ z + mpg", data, bias_reduction=True),
}


def slopes(table: pd.DataFrame) -> np.ndarray:
    return table[["Intercept" not in str(label) for label in table.index]].to_numpy()


def shifted(shift: float) -> pd.DataFrame:
    return CARS.assign(z=CARS["z"] + shift)


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("name", FITS)
def test_profiles(name, shift):
    here, there = (
        slopes(FITS[name](data).confint(method="profile")) for data in (CARS, shifted(shift))
    )
    np.testing.assert_allclose(there, here, rtol=1e-14 * shift + 1e-8, atol=0)


def test_a_profile_of_years_is_that_of_r():
    # MASS 7.3-58: confint(glm(am ~ yr + mpg, binomial, transform(mtcars, yr = 2015 + 0:31 %% 5)))
    found = FITS["binomial"](shifted(2017.0)).confint(method="profile").loc["z"]
    np.testing.assert_allclose(found, [-1.0123, 0.3352], atol=3e-4)


def test_profiles_of_days_in_seconds():
    days = sd.glm("am ~ t + mpg", CARS.assign(t=np.arange(32.0)), family="binomial")
    seconds = CARS.assign(t=1.7e9 + 86400 * np.arange(32.0))
    found = sd.glm("am ~ t + mpg", seconds, family="binomial").confint(method="profile")
    np.testing.assert_allclose(
        found.loc["t"] * 86400, days.confint(method="profile").loc["t"], rtol=1e-8
    )


@pytest.mark.parametrize("shift", [2000.0, 1e6])
def test_firth_profiles_of_separated_classes(shift):
    x = np.linspace(-3.0, 3.0, 20)
    here, there = (
        sd.glm("b ~ x", {"x": z, "b": (x > 0.3) * 1}, family="binomial", bias_reduction=True)
        for z in (x, x + shift)
    )
    assert there.converged
    limits = here.confint(method="profile").loc["x"]
    assert 0 < limits.iloc[0] < here.params["x"] < limits.iloc[1] < np.inf
    np.testing.assert_allclose(there.confint(method="profile").loc["x"], limits, rtol=1e-7)


@pytest.mark.parametrize("shift", [1000.0, 1e4, 1e6])
def test_firth_estimates_are_where_the_penalised_score_is_zero(shift):
    here, there = FITS["Firth"](CARS), FITS["Firth"](shifted(shift))
    assert there.converged
    np.testing.assert_allclose(there.params[["z", "mpg"]], here.params[["z", "mpg"]], rtol=1e-8)
    np.testing.assert_allclose(there.estimate.loss, here.estimate.loss, rtol=1e-9)


def test_a_limit_that_was_not_found_is_no_number(monkeypatch):
    monkeypatch.setattr(room, "MOST_STEPS", 1)
    with pytest.warns(sd.StatdlWarning, match="The lower limit of z is NaN: .* after 1 fits"):
        limits = FITS["binomial"](CARS).confint(method="profile", parm="z")
    assert np.isnan(limits).all(axis=None)


def test_others_that_do_not_converge_have_no_limit(monkeypatch):
    monkeypatch.setattr(room, "Newton", lambda **options: Newton(max_iterations=0))
    with pytest.warns(sd.StatdlWarning, match="limit of z is NaN: .* iteration limit"):
        limits = FITS["binomial"](CARS).confint(method="profile", parm="z")
    assert np.isnan(limits).all(axis=None)


@pytest.mark.parametrize("kind", ["HC0", "HC1", "cluster", "HAC"])
@pytest.mark.parametrize("options", [{"bias_reduction": True}, {"penalty": 1.0}], ids=str)
def test_sandwiches_of_penalised_fits(options, kind):
    cluster = "gear" if kind == "cluster" else None
    here, there = (
        sd.glm("am ~ z + mpg", data, family="binomial", **options).vcov(kind, cluster=cluster)
        for data in (CARS, shifted(3e4))
    )
    names = ["z", "mpg"]
    # the ridge's own estimate, of columns as given, is good to fewer digits there
    tolerance = 1e-3 if "penalty" in options else 1e-7
    np.testing.assert_allclose(there.loc[names, names], here.loc[names, names], rtol=tolerance)
