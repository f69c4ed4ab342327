"""Columns without a coefficient: what rests on it is NA, or a prediction with a warning."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import statdl as sd

CARS = sd.datasets.load("mtcars").assign(w2=lambda cars: 2 * cars["wt"] + 1)
FITS = {
    "lm": lambda text: sd.lm(f"mpg ~ {text}", CARS),
    "logit": lambda text: sd.glm(f"am ~ {text}", CARS, family="binomial"),
    "multinom": lambda text: sd.multinom(f"gear ~ {text}", CARS),
}
pytestmark = pytest.mark.filterwarnings("ignore::statdl.RankWarning")


def numbers(table: pd.DataFrame) -> np.ndarray:
    return table[["estimate", "std.error"]].to_numpy()


@pytest.mark.parametrize("verb", ["avg_slopes", "avg_comparisons", "slopes", "comparisons"])
@pytest.mark.parametrize("model", FITS)
def test_effects_that_rest_on_it_are_na(model, verb):
    table = getattr(FITS[model]("wt + w2"), verb)()
    plain = getattr(FITS[model]("wt"), verb)()
    assert np.isnan(numbers(table[table["term"] == "w2"])).all()
    np.testing.assert_allclose(numbers(table[table["term"] == "wt"]), numbers(plain), rtol=1e-8)


@pytest.mark.parametrize("model", FITS)
def test_a_variable_that_moves_it_along_has_effects(model):
    for text in ("wt + I(2*wt)", "wt + I(3 - wt) + I(2*wt)"):
        found, plain = FITS[model](text).avg_slopes(), FITS[model]("wt").avg_slopes()
        np.testing.assert_allclose(numbers(found), numbers(plain), rtol=1e-6)
        asked = FITS[model](text).avg_slopes(variables="wt")
        np.testing.assert_allclose(numbers(asked), numbers(plain), rtol=1e-6)


def test_only_the_level_without_a_coefficient_is_na():
    year = np.repeat(np.arange(7), 20)
    data = pd.DataFrame({"year": year, "nint": 2.0 * year + 1, "y": np.sin(np.arange(140.0))})
    fit = sd.lm("y ~ nint + factor(year)", data)
    for table in (fit.avg_comparisons(), fit.avg_comparisons(variables="year")):
        table = table[table["term"] == "year"].set_index("contrast")["estimate"]
        assert np.isnan(table["6 - 0"])
        np.testing.assert_allclose(table[:-1], fit.params.iloc[2:-1], rtol=1e-9)


def test_groups_are_na_each_for_itself():
    table = FITS["lm"]("wt + w2").avg_slopes(by="gear")
    assert np.isnan(numbers(table[table["term"] == "w2"])).all()
    assert np.isfinite(numbers(table[table["term"] == "wt"])).all()


@pytest.mark.parametrize("options", [{}, {"type": "link"}, {"type": "terms"}, {"se_fit": True}])
def test_predictions_outside_of_the_span_warn(options):
    fit = FITS["logit"]("wt + w2")
    inside, outside = {"wt": [3.0, 30.0], "w2": [7.0, 61.0]}, {"wt": [3.0, 3.0], "w2": [7.0, 600.0]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit.predict(inside, **options)
        fit.predict(**options)
    with pytest.warns(sd.StatdlWarning, match=r"not determine 1 of the 2 predictions: there 'w2'"):
        found = fit.predict(outside, **options)
    plain = FITS["logit"]("wt").predict(outside, **options)
    found, plain = (np.asarray(one).reshape(2, -1) for one in (found, plain))
    np.testing.assert_allclose(found[:, : plain.shape[1]], plain, rtol=1e-8)


def test_predictions_of_margins_warn_too():
    fit = FITS["lm"]("wt + w2")
    with pytest.warns(sd.StatdlWarning, match="32 of the 32 predictions: there 'w2'"):
        fit.avg_predictions(variables={"w2": [1000.0]})


def test_a_fit_from_a_file_warns(tmp_path):
    fit = FITS["lm"]("wt + w2")
    fit.save(tmp_path / "fit.statdl")
    loaded = sd.load(tmp_path / "fit.statdl")
    with pytest.warns(sd.StatdlWarning, match="1 of the 1 predictions: there 'w2'"):
        loaded.predict({"wt": [3.0], "w2": [0.0]})


def test_rows_of_weight_zero_may_leave_the_span():
    first = np.arange(len(CARS)) == 0
    data = CARS.assign(w=np.where(first, 0.0, 1.0), w2=np.where(first, 99.0, CARS["w2"]))
    fit = sd.lm("mpg ~ wt + w2", data, weights="w")
    assert np.isnan(fit.params["w2"])
    with pytest.warns(sd.StatdlWarning, match="1 of the 32 predictions: there 'w2'"):
        fit.predict()


def test_constant_columns_and_missing_rows():
    fit = sd.lm("mpg ~ wt + one", CARS.assign(one=4.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(fit.predict({"wt": [np.nan, 3.0], "one": [4.0, 4.0]})).tolist() == [
            True,
            False,
        ]
    with pytest.warns(sd.StatdlWarning, match="there 'one'"):
        fit.predict({"wt": [3.0], "one": [5.0]})
