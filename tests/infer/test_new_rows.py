"""Offsets and weights of new rows: by name, by number, or wanting; in fits and paths alike."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

import statdl as sd
from statdl.errors import DataError, FormulaError, ModelError, StatdlWarning

RNG = np.random.default_rng(7)
DATA = pd.DataFrame({"x": RNG.normal(size=60), "n": RNG.integers(1, 90, 60).astype(float)})
DATA["y"] = RNG.poisson(np.exp(0.2 * DATA["x"]) * DATA["n"])
NEW = DATA.head(4)


def fits(offset):
    yield sd.glm("y ~ x", DATA, "poisson", offset=offset)
    yield sd.path("y ~ x", DATA, family="poisson", offset=offset, lambda_=[0.1])


def predicted(fit, new=NEW, **options):
    options |= {} if isinstance(fit, sd.Fit) else {"lambda_": 0.1}
    return np.asarray(fit.predict(new, **options), dtype=float)


@pytest.mark.parametrize("place", [0, 1], ids=["fit", "path"])
def test_new_rows_that_lack_the_offset_of_the_fit_are_told(place):
    named, given = (list(fits(o))[place] for o in ("log(n)", np.log(DATA["n"]).to_numpy()))
    with pytest.warns(StatdlWarning, match="fitted with offset= as numbers, which new rows do"):
        bare = predicted(given)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.allclose(predicted(given, offset=0), bare)
        assert np.allclose(predicted(given, offset="log(n)"), predicted(named))
        assert np.allclose(predicted(given, offset=np.log(NEW["n"])), predicted(named))
        assert np.allclose(predicted(given, None), predicted(named, None))
        polar = pl.from_pandas(NEW)
        assert np.allclose(predicted(given, polar, offset="log(n)"), predicted(named))


def test_every_way_of_asking_for_new_rows_tells():
    fit = sd.glm("y ~ x", DATA, "poisson", offset=np.log(DATA["n"]))
    asked = (fit.augment, fit.predictions, fit.effects, lambda new: fit.comparisons("x", new))
    for ask in asked:
        with pytest.warns(StatdlWarning, match="offset= as numbers"):
            ask(NEW)


def test_a_fit_from_a_file_still_knows(tmp_path):
    sd.glm("y ~ x", DATA, "poisson", offset=np.log(DATA["n"])).save(tmp_path / "fit.statdl")
    with pytest.warns(StatdlWarning, match="offset= as numbers"):
        sd.load(tmp_path / "fit.statdl").predict(NEW)


def test_arrays_have_offsets_by_number():
    fit = sd.glm(X=DATA[["x"]].to_numpy(), y=DATA["y"], family="poisson", offset=np.log(DATA["n"]))
    with pytest.warns(StatdlWarning, match="offset= as numbers"):
        fit.predict(NEW[["x"]].to_numpy())
    with pytest.raises(DataError, match="offset='n' names a column, and the new rows are arrays"):
        fit.predict(NEW[["x"]].to_numpy(), offset="n")


@pytest.mark.parametrize("place", [0, 1], ids=["fit", "path"])
@pytest.mark.parametrize(
    ("offset", "error", "message"),
    [
        ([1, 2, 3], DataError, "offset has length 3, and the data have 4 rows"),
        (["a"] * 4, DataError, "offset must be made of numbers"),
        ("nn", FormulaError, "unknown column `nn`"),
        (pd.Series(np.zeros(4), index=range(10, 14)), DataError, "the index of offset differs"),
        (np.zeros((4, 2)), DataError, "offset must be one vector"),
    ],
)
def test_offsets_that_fit_no_rows(place, offset, error, message):
    fit = list(fits(np.log(DATA["n"]).to_numpy()))[place]
    with pytest.raises(error, match=message):
        predicted(fit, offset=offset)


def test_an_offset_by_name_is_not_added_twice():
    for fit in fits("log(n)"):
        with pytest.raises(ModelError, match=r"offset='log\(n\)' was given to the fit and comes"):
            predicted(fit, offset="log(n)")


# Weights. R's numbers: predict(lm(mpg ~ wt, mtcars, weights = hp), …, interval = "prediction").

WEIGHTED = sd.lm("mpg ~ wt", data=sd.datasets.load("mtcars"), weights="hp")
CARS = sd.datasets.load("mtcars").head(3)


def limits(new=CARS, **options):
    found = WEIGHTED.predict(new, interval="prediction", **options)
    return found[["lwr", "upr"]].to_numpy()[:3]


def test_prediction_limits_know_the_weight_of_a_row():
    r = [[14.98634, 29.08283], [13.85603, 27.88306], [15.71385, 31.09658]]
    assert np.allclose(limits(None), r, rtol=1e-6)
    assert np.allclose(limits(weights="hp"), r, rtol=1e-6)
    rows = WEIGHTED.augment(interval="prediction")[[".lower", ".upper"]]
    assert np.allclose(rows.to_numpy()[:3], r, rtol=1e-6)
    r = [[-0.8863481, 44.95551], [4.6445481, 37.09454], [10.0893370, 36.72109]]
    assert np.allclose(limits(weights=[10, 20, 30]), r, rtol=1e-6)


def test_new_rows_of_a_weighted_fit_have_weight_one_and_say_so():
    with pytest.warns(StatdlWarning, match="new observations of weight 1, and the rows of the fit"):
        bare = limits()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(limits(weights=1), bare)


def test_weights_that_mean_nothing():
    with pytest.raises(DataError, match=r"weights must be positive and finite.* row 1 has 0"):
        limits(weights=[1, 0, 1])
    with pytest.raises(ModelError, match="those of new rows in interval='prediction'"):
        WEIGHTED.predict(CARS, weights="hp")
    with pytest.raises(ModelError, match="the rows of the fit have their own"):
        limits(None, weights=1)
