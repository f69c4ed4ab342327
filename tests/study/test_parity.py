"""validate(): every model beside statsmodels and scikit-learn, and what it says of the rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import statdl as sd
from statdl.study.parity import parity

CARS = sd.datasets.load("mtcars")
INFERT = sd.datasets.load("infert")
HOUSING = sd.datasets.load("housing")
TWICE = CARS.assign(double=2 * CARS["wt"])
FITS = {
    "lm": lambda: sd.lm("mpg ~ wt * factor(cyl)", data=CARS),
    "lm weighted": lambda: sd.lm("mpg ~ wt + hp", data=CARS, weights="qsec", offset="disp"),
    "lm without intercept": lambda: sd.lm("mpg ~ 0 + factor(cyl) + wt", data=CARS),
    "lm of arrays": lambda: sd.lm(X=CARS[["wt", "hp"]].to_numpy(), y=CARS["mpg"].to_numpy()),
    "lm with rows of weight 0": lambda: sd.lm("mpg ~ wt", data=CARS, weights="am"),
    "ridge": lambda: sd.lm("mpg ~ wt + hp", data=CARS, penalty=3.0, weights="qsec"),
    "logit": lambda: sd.glm("case ~ age + education", data=INFERT, family="binomial"),
    "cloglog": lambda: sd.glm("case ~ age", data=INFERT, family="binomial", link="cloglog"),
    "counts of two": lambda: sd.glm(
        "cbind(dead, alive) ~ ldose * sex", data=sd.datasets.load("budworm"), family="binomial"
    ),
    "poisson": lambda: sd.glm("carb ~ wt + offset(log(hp))", data=CARS, family="poisson"),
    "gamma": lambda: sd.glm("mpg ~ wt", data=CARS, family="gamma", link="log", weights="qsec"),
    "gamma inverse": lambda: sd.glm("mpg ~ wt + hp", data=CARS, family="gamma"),
    "penalised logit": lambda: sd.glm("am ~ wt", data=CARS, family="binomial", penalty=0.5),
    "penalised poisson": lambda: sd.glm("carb ~ wt", data=CARS, family="poisson", penalty=2.0),
    "multinom": lambda: sd.multinom("education ~ age + parity", data=INFERT),
    "multinom weighted": lambda: sd.multinom("Sat ~ Infl + Cont", data=HOUSING, weights="Freq"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::statdl.RankWarning")
@pytest.mark.parametrize("name", FITS)
def test_fits_agree(name):
    table = sd.validate(FITS[name]())
    assert table.agrees, str(table)
    assert table.largest < 1e-6
    left_out = " compared" if "Standard errors" not in table.index else ""
    assert f"All {len(table)} quantities{left_out} agree" in str(table)
    assert bool(left_out) == (name in ("ridge", "penalised logit", "penalised poisson"))


def test_what_a_package_lacks_is_said():
    said = {
        "ridge": "no inference under such a penalty",
        "poisson": "scikit-learn has no offset",
        "cloglog": "no binomial model with the cloglog link",
        "multinom weighted": "rows of weight k as k rows",
    }
    for name, sentence in said.items():
        assert sentence in " ".join(sd.validate(FITS[name]()).notes)


def test_under_a_covariance_that_is_not_compared_the_rest_is():
    for options in ({"vcov": "HC4"}, {"cluster": ["carb", "gear"]}):
        table = sd.validate(FITS["lm"](), **options)
        assert table.agrees, str(table)
        assert "F statistic" not in table.index
        assert "R-squared" in table.index
        assert "' is not compared, nor errors, tests and limits" in " ".join(table.notes)
        assert f"All {len(table)} quantities compared agree; errors and tests were not" in str(
            table
        )


TOGETHER = {
    "carb": {"cluster": "carb"},
    "gear": {"cluster": "gear"},  # fewer than there are coefficients
    "uncorrected": {"vcov": sd.Covariance("cluster", cluster="carb", correction="none")},
    "HAC": {"vcov": "HAC"},
    "HAC corrected": {"vcov": sd.Covariance("HAC", maxlags=4, correction="full")},
}


@pytest.mark.parametrize("how", TOGETHER)
@pytest.mark.parametrize("name", ["lm", "lm weighted", "poisson", "gamma inverse"])
def test_rows_that_vary_together_are_compared(name, how):
    fit = FITS[name]()
    table = sd.validate(fit.with_covariance(**TOGETHER[how]), "statsmodels")
    assert table.agrees, str(table)
    assert {"Standard errors", "p-values", "Lower limits, 95 %"} <= set(table.index)
    place = table.index.index("Standard errors")
    assert table["statdl"][place] not in list(fit.bse)


@pytest.mark.parametrize(
    ("name", "kind", "why"),
    [
        ("logit", "HC2", "for linear regression only"),
        ("cloglog", "HC0", "the cloglog link statsmodels takes the observed information"),
        ("gamma", "HC0", "the log link statsmodels takes the observed information"),
        ("multinom", "HC0", "none such for this model"),
        ("lm", sd.Covariance("cluster", cluster="carb", correction="groups"), "its correction"),
        ("lm with rows of weight 0", "HAC", "rows of weight 0 are times"),
    ],
)
def test_why_a_covariance_is_not_compared_is_said(name, kind, why):
    table = sd.validate(FITS[name](), vcov=kind)
    assert table.agrees, str(table)
    assert "Standard errors" not in table.index
    assert why in " ".join(table.notes)


def test_counts_have_robust_covariances_too():
    table = sd.validate(FITS["counts of two"](), "statsmodels", vcov="HC0")
    assert table.agrees, str(table)
    assert "Standard errors" in table.index


def test_nothing_to_compare_is_no_agreement():
    shifted = sd.multinom("education ~ age", data=INFERT, offset="parity")
    table = sd.validate(shifted)
    assert not table.agrees
    assert "Nothing could be compared" in str(table)
    shares = sd.multinom("Sat ~ Infl", data=HOUSING.assign(w=HOUSING["Freq"] / 7), weights="w")
    assert "not counts of rows" in " ".join(sd.validate(shares).notes)
    assert sd.validate(shares).agrees  # by scikit-learn


def test_firth_s_estimates_have_no_peer():
    fit = sd.glm("am ~ wt", data=CARS, family="binomial", bias_reduction=True)
    table = sd.validate(fit)
    assert not len(table)
    assert "scikit-learn has no penalty such as this" in " ".join(table.notes)


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
def test_robust_covariances_are_compared(kind):
    table = sd.validate(FITS["lm"](), "statsmodels", vcov=kind)
    assert table.agrees, str(table)
    assert "Standard errors" in table.index
    assert not np.allclose(table["statdl"][1], sd.validate(FITS["lm"]())["statdl"][1])


def test_covariances_that_statsmodels_cannot_make_are_left_out():
    table = sd.validate(FITS["lm"](), "statsmodels", vcov="HC4")
    assert "Standard errors" not in table.index
    assert "'HC4' is not compared" in " ".join(table.notes)


def test_a_wrong_number_is_found():
    fit = FITS["logit"]()
    wrong = fit.estimate.parameters.copy()
    wrong[1] *= 1 + 1e-4
    table = parity(replace(fit.estimate, parameters=wrong))
    assert not table.agrees
    place = table.index.index("Coefficients")
    assert table.columns["Verdict"][place] == "DIFFERS"
    assert table["Rel. difference"][place] > 1e-6
    assert table["statdl"][place] == pytest.approx(wrong[1])
    assert "quantities differ" in str(table)


def test_aliased_columns_are_left_out():
    with pytest.warns(sd.RankWarning):
        fit = sd.lm("mpg ~ wt + double + hp", data=TWICE)
    table = sd.validate(fit)
    assert table.agrees
    assert table["Values"][0] == 3


def test_what_cannot_be_fitted_again_is_refused(tmp_path):
    network = sd.mlp("mpg ~ wt", data=CARS, hidden=2, decay=0.1)
    with pytest.raises(sd.ModelError, match="no fit that a network should agree with"):
        sd.validate(network)
    with pytest.warns(sd.SeparationWarning):
        separated = sd.glm("am ~ wt + qsec", data=CARS, family="binomial")
    with pytest.raises(sd.ModelError, match="no finite maximum"):
        sd.validate(separated)
    FITS["lm"]().save(tmp_path / "fit.statdl")
    with pytest.raises(sd.DataError, match="file"):
        sd.validate(sd.load(tmp_path / "fit.statdl"))
    with pytest.raises(sd.ModelError, match="choose from statsmodels"):
        sd.validate(FITS["lm"](), "R")


class Missing:
    """A package that is not installed."""

    def __getattr__(self, name):
        raise ImportError(name)


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr("statdl.study.sklearn_peer.linear_model", Missing())
    table = sd.validate(FITS["lm"]())
    assert table.agrees
    assert "scikit-learn is not installed" in " ".join(table.notes)
    with pytest.raises(sd.ModelError, match="statdl\\[validate\\]"):
        sd.validate(FITS["lm"](), "scikit-learn")
    monkeypatch.setattr("statdl.study.statsmodels_peer.sm", Missing())
    with pytest.raises(sd.ModelError, match="statdl\\[validate\\]"):
        sd.validate(FITS["lm"]())
