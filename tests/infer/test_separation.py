"""Separation is found while the iterations run, and asked for by name."""

import warnings

import numpy as np
import pytest

import statdl as sd
from statdl.estimate import lookout
from statdl.solve.iterate import Outcome
from tests.agreement import agree

CARS = sd.datasets.load("mtcars")
IRIS = sd.datasets.load("iris")


def quietly(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sd.SeparationWarning)
        return make()


def many(rows=20_000):
    X = np.random.default_rng(0).normal(size=(rows, 3))
    return X, X[:, 0] - X[:, 2] > 0


SEPARATED = {
    **{
        link: lambda link=link: sd.glm("am ~ wt + qsec", CARS, family="binomial", link=link)
        for link in ("logit", "probit", "cloglog", "cauchit")
    },
    "newton": lambda: sd.glm("am ~ wt + qsec", CARS, "binomial", link="probit", method="newton"),
    "lbfgs": lambda: sd.glm("am ~ wt + qsec", CARS, "binomial", method="lbfgs"),
    "many": lambda: sd.glm(X=many()[0], y=many()[1], family="binomial"),
}


@pytest.mark.parametrize("name", SEPARATED)
def test_it_is_found_within_a_dozen_steps_and_the_likelihood_is_its_supremum(name, monkeypatch):
    asked_at = []
    search = lookout.separation

    def search_once(objective):
        asked_at.append(objective)
        return search(objective)

    monkeypatch.setattr(lookout, "separation", search_once)
    fit = quietly(SEPARATED[name])
    assert fit.convergence.outcome is Outcome.SEPARATION
    assert len(asked_at) == 1
    assert fit.convergence.iterations <= (14 if name != "cloglog" else 20)
    assert -1e-5 < fit.llf <= 0  # every row is told apart
    assert len(fit.trace) == fit.convergence.iterations + 1
    assert np.isnan(np.asarray(fit.bse)).all()


def test_of_a_quasi_complete_separation_the_border_is_fitted():
    """Where setosa is out of the way, the likelihood is that of the other two classes."""
    fit = quietly(lambda: sd.multinom("Species ~ .", data=IRIS))
    assert fit.convergence.iterations < 25
    rest = IRIS[IRIS["Species"] != "setosa"]
    two = sd.glm(
        X=rest.drop(columns="Species").to_numpy(), y=rest["Species"] == "virginica",
        family="binomial",
    )  # fmt: skip
    agree(fit.llf, two.llf, rtol=1e-6)
    some = IRIS.index[IRIS["Species"] != "setosa"]
    np.testing.assert_allclose(
        fit.fitted().loc[some, "virginica"], np.asarray(two.fittedvalues), atol=1e-3
    )


def test_likelihood_ratios_with_a_separated_model_hold():
    small = sd.glm("vs ~ wt", CARS, family="binomial")
    fit = quietly(lambda: sd.glm("vs ~ wt + factor(cyl)", CARS, family="binomial"))
    border = CARS[CARS["cyl"] != 8]  # no car of eight cylinders has a straight engine
    inside = sd.glm("vs ~ wt + factor(cyl)", border, family="binomial")
    agree(fit.llf, inside.llf, rtol=1e-6)
    ratio = quietly(lambda: sd.anova(small, fit))
    agree(ratio["Deviance"][1], 2 * (inside.llf - small.llf), rtol=1e-6)


def test_ordinary_fits_are_not_paused(monkeypatch):
    def never(objective):
        raise AssertionError("asked")

    monkeypatch.setattr(lookout, "separation", never)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 5))
    for strength in (0.3, 1.0, 3.0):
        eta = strength * X.sum(axis=1)
        for link in ("logit", "probit", "cloglog"):
            y = rng.uniform(size=2000) < 1 / (1 + np.exp(-eta))
            assert sd.glm(X=X, y=y, family="binomial", link=link).converged
        counts = rng.poisson(np.exp(np.minimum(eta / 5, 4)))
        assert sd.glm(X=X, y=counts, family="poisson").converged
    sd.multinom("Species ~ Sepal.Length + Sepal.Width", data=IRIS.iloc[50:])


def test_a_strong_signal_is_asked_about_once_and_fitted(monkeypatch):
    asked = []
    search = lookout.separation
    monkeypatch.setattr(lookout, "separation", lambda one: asked.append(one) or search(one))
    rng = np.random.default_rng(3)
    X = rng.normal(size=(2000, 5))
    y = rng.uniform(size=2000) < 1 / (1 + np.exp(-30 * X.sum(axis=1)))
    fit = sd.glm(X=X, y=y, family="binomial")
    assert len(asked) == 1
    assert fit.converged
    assert np.isfinite(fit.bse).all()


def test_columns_that_need_a_basis_are_named_all_the_same():
    x = np.linspace(-1, 1, 60)
    X = np.column_stack([x, x + 1e-9 * np.sin(40 * x)])
    fit = quietly(lambda: sd.glm(X=X, y=x > 0.2, family="binomial"))
    assert fit.convergence.outcome is Outcome.SEPARATION
    assert "'x1'" in fit.convergence.notes[0]


# the verb --------------------------------------------------------------------------------------


def test_the_verb_names_kind_variables_and_directions():
    fit = sd.glm("am ~ wt + qsec", CARS, "binomial", bias_reduction=True)
    found = sd.separation(fit)
    assert found
    assert found.kind == "complete"
    assert found.variables == ("Intercept", "wt", "qsec")
    assert found.table["am"].tolist() == ["+∞", "−∞", "−∞"]
    y = fit.estimate.objective.rows.y[:, 0]
    assert "in every row" in str(found)
    assert set(y) == {0, 1}


def test_quasi_complete_separation_holds_some_coefficients():
    data = CARS.assign(y=((CARS["cyl"] == 4) | (CARS["carb"] > 2)).astype(int))
    ridge = sd.glm("y ~ C(cyl, contr.treatment(6)) + qsec", data, "binomial", penalty=1.0)
    found = ridge.separation()
    assert found.kind == "quasi-complete"
    rows = dict(zip(found.table.index, found.table["y"], strict=True))
    assert rows["qsec"] == "finite"
    assert [name for name, end in rows.items() if end == "+∞"] == list(found.variables)
    assert "on the border" in str(found)
    flowers = quietly(lambda: sd.multinom("Species ~ Petal.Width", IRIS))
    assert "−∞" in flowers.separation().to_html()


def test_where_there_is_none_it_says_so():
    found = sd.glm("am ~ wt", CARS, family="binomial").separation()
    assert not found
    assert found.kind == "none"
    assert found.variables == ()
    assert set(found.table["am"]) == {"finite"}
    assert "No direction" in str(found)


def test_what_cannot_be_separated_is_refused():
    with pytest.raises(sd.ModelError, match="gaussian family with the identity link cannot be"):
        sd.lm("mpg ~ wt", CARS).separation()
    net = sd.mlp("am ~ wt", CARS, hidden=2, family="binomial", decay=0.1, seed=0)
    with pytest.raises(sd.ModelError, match="a network has none"):
        net.separation()
    with pytest.raises(sd.ModelError, match="A fitted model is needed"):
        sd.separation("am ~ wt")
