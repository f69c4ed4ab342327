"""A covariance matrix of one's own, read by its labels; what a narrow one cannot test."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import statdl as sd

CARS = sd.datasets.load("mtcars")
FIT = sd.lm("mpg ~ wt + hp", CARS)
TURNED = ["hp", "wt", "Intercept"]


def test_a_matrix_is_read_by_its_labels():
    V = FIT.vcov("HC3")
    for given in (
        V,
        V.loc[TURNED, TURNED],
        V.loc[TURNED],
        V.to_numpy(),
        pd.DataFrame(V.to_numpy()),
    ):
        np.testing.assert_allclose(FIT.with_covariance(given).bse, FIT.with_covariance("HC3").bse)


def test_labels_of_several_classes():
    fit = sd.multinom("gear ~ wt", CARS)
    V = fit.vcov("HC0")
    words = V.set_axis([": ".join(pair) for pair in V.index]).set_axis(
        [": ".join(pair) for pair in V.columns], axis=1
    )
    for given in (V.iloc[::-1, ::-1], words.iloc[::-1, ::-1]):
        np.testing.assert_allclose(fit.with_covariance(given).bse, fit.with_covariance("HC0").bse)


def test_labels_of_estimable_coefficients():
    with pytest.warns(sd.RankWarning):
        fit = sd.lm("mpg ~ wt + w2 + hp", CARS.assign(w2=2 * CARS["wt"]))
    V = fit.vcov("HC1")
    for given in (V.iloc[::-1, ::-1], V.loc[TURNED, TURNED]):
        np.testing.assert_allclose(
            fit.with_covariance(given).bse, fit.with_covariance("HC1").bse, equal_nan=True
        )


def test_labels_that_are_not_the_coefficients():
    V = FIT.vcov()
    with pytest.raises(sd.ModelError, match=r"The rows of vcov=.* Not one of them: w. Missing: wt"):
        FIT.with_covariance(V.rename(index={"wt": "w"}))
    with pytest.raises(sd.ModelError, match=r"The columns of vcov=.* Missing: wt"):
        FIT.with_covariance(V.rename(columns={"wt": "hp"}))


def test_hypotheses_are_read_by_their_labels():
    R = pd.DataFrame([[1.0, -2.0, 0.0]], columns=TURNED)
    assert FIT.wald(R).to_frame().equals(FIT.wald("hp = 2*wt").to_frame())
    assert (
        FIT.wald(R.set_axis([0, 1, 2], axis=1)).to_frame().equals(FIT.wald(R.to_numpy()).to_frame())
    )
    with pytest.raises(sd.ModelError, match=r"The columns of R .* Not one of them: weight"):
        FIT.wald(R.rename(columns={"wt": "weight"}))


def test_an_indefinite_matrix_is_no_covariance():
    V = FIT.vcov()
    turned = V.copy()
    turned.loc["wt", "hp"] = turned.loc["hp", "wt"] = 2 * np.sqrt(
        V.loc["wt", "wt"] * V.loc["hp", "hp"]
    )
    for matrix in (-V, turned):
        with pytest.raises(sd.ModelError, match="no covariance matrix: some combination"):
            FIT.tidy(vcov=matrix)


def test_a_matrix_of_unlike_units_keeps_its_digits():
    fit = sd.lm("mpg ~ wt + tiny", CARS.assign(tiny=CARS["hp"] * 1e12))
    np.testing.assert_allclose(fit.with_covariance(fit.vcov()).bse, fit.bse, rtol=1e-9)


def test_a_perfectly_dependent_matrix_is_a_covariance():
    ones = np.ones((3, 3))
    assert FIT.with_covariance(ones).bse.tolist() == pytest.approx([1.0, 1.0, 1.0])


# fewer directions than slopes -----------------------------------------------------------------


@pytest.fixture(scope="module")
def narrow():
    return sd.lm("mpg ~ wt + factor(gear)", CARS).with_covariance(cluster="gear")


def test_only_the_f_test_is_missing(narrow):
    assert np.isnan([narrow.fvalue, narrow.f_pvalue]).all()
    text = str(narrow.summary())
    assert "F-statistic:                        NA" in text
    assert "F-statistic: The covariance has fewer than 3 directions" in " ".join(text.split())
    assert narrow.bse.notna().all()
    glance = narrow.glance()
    assert glance["statistic"].isna().all()
    assert glance["r.squared"].notna().all()


def test_only_the_term_is_missing(narrow):
    table = narrow.anova(typ=2)
    frame = table.to_frame()
    assert frame.loc["wt", "F"] == pytest.approx(narrow.tvalues["wt"] ** 2)
    assert np.isnan(frame.loc["factor(gear)", "F"])
    assert [note.partition(":")[0] for note in table.notes][:1] == ["factor(gear)"]
    both = sd.anova(sd.lm("mpg ~ 1", CARS), narrow, cluster="gear").to_frame()
    assert np.isnan(both["F"]).all()


def test_a_bootstrap_of_few_refits():
    fit = sd.lm("mpg ~ wt + hp + qsec + drat", CARS)
    few = fit.with_covariance(sd.Covariance("bootstrap", B=3))
    assert "NA" in str(few.summary())
    assert few.bse.notna().all()


def test_a_test_that_was_asked_for_says_why_there_is_none(narrow):
    with pytest.raises(sd.NumericalError, match="too few clusters"):
        narrow.wald("wt = 0, factor(gear)[T.4] = 0, factor(gear)[T.5] = 0")
