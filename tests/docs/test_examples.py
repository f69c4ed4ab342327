"""The examples of docs/extending/ are what they say they are."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import optimize, stats

import statdl as sd
from statdl.report.reading import fit_readings

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
CARS = sd.datasets.load("mtcars")
WARP = sd.datasets.load("warpbreaks")


def example(module, name):
    """Return a class of an example's file."""
    spec = importlib.util.spec_from_file_location(f"example_{module}", EXAMPLES / f"{module}.py")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded  # where dataclasses look up annotations
    spec.loader.exec_module(loaded)
    return getattr(loaded, name)


Weibull = example("weibull", "Weibull")
NegativeBinomial = example("negative_binomial", "NegativeBinomial")
Squareplus = example("squareplus", "Squareplus")
NormalPrior = example("normal_prior", "NormalPrior")
BarzilaiBorwein = example("barzilai_borwein", "BarzilaiBorwein")


def slope(function, x, step=1e-5):
    """A derivative by central differences."""
    return (function(x + step) - function(x - step)) / (2 * step)


FAMILIES = [
    Weibull(shape=0.7),
    Weibull(shape=2.5),
    NegativeBinomial(theta=3.0),
    NegativeBinomial(link=sd.links.Sqrt(), theta=0.5),
]


@pytest.mark.parametrize("family", FAMILIES, ids=repr)
def test_derivatives_of_a_family_are_those_of_its_loss(family):
    eta = np.linspace(0.2, 2.0, 7)[:, None]
    y = np.asarray([1.0, 2.0, 3.0, 1.0, 7.0, 2.0, 5.0])[:, None]
    _, score = family.loss_and_score(eta, y)
    by_loss = slope(lambda at: family.loss_and_score(at, y)[0][:, None], eta)
    by_score = slope(lambda at: family.loss_and_score(at, y)[1], eta)
    np.testing.assert_allclose(score, -by_loss, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(family.observed(eta, y).diagonal, -by_score, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("family", FAMILIES, ids=repr)
def test_draws_of_a_family_have_its_mean_variance_and_information(family):
    from statdl.backend.rows import Rows

    n = 200_000
    eta = np.full((n, 1), 1.1)
    drawn = family.simulate(eta, Rows(np.zeros((n, 0)), eta), 1.0, np.random.default_rng(3))
    assert drawn.mean() == pytest.approx(family.mean(eta)[0, 0], rel=0.02)
    assert drawn.var() == pytest.approx(family.variance(eta)[0, 0], rel=0.05)
    observed = family.observed(eta, drawn).diagonal.mean()
    assert observed == pytest.approx(family.information(eta).diagonal[0, 0], rel=0.05)


@pytest.mark.parametrize("shape", [0.8, 2.0, 5.0])
def test_weibull_is_at_the_maximum_of_scipys_likelihood(shape):
    fit = sd.glm("mpg ~ wt + hp", data=CARS, family=Weibull(shape=shape))
    X = np.asarray(fit.model_matrix(), dtype=float)

    def likelihood(beta):
        scale = np.exp(X @ beta) / sd_gamma(shape)
        return stats.weibull_min.logpdf(CARS["mpg"], shape, scale=scale).sum()

    best = fit.params.to_numpy()
    assert fit.llf == pytest.approx(likelihood(best), rel=1e-12)
    gradient = optimize.approx_fprime(best, likelihood, 1e-7)
    assert np.abs(gradient * fit.bse.to_numpy()).max() < 1e-3


def sd_gamma(shape):
    """Γ(1 + 1/k), the mean of a Weibull of scale 1."""
    return stats.weibull_min.mean(shape)


def test_weibull_of_shape_one_is_the_exponential():
    weibull = sd.glm("mpg ~ wt", data=CARS, family=Weibull(shape=1.0))
    gamma = sd.glm("mpg ~ wt", data=CARS, family="gamma", link="log")
    np.testing.assert_allclose(weibull.params, gamma.params, rtol=1e-8)
    assert weibull.deviance == pytest.approx(gamma.deviance)


def test_weibull_with_weights_counts_rows():
    weights = np.where(CARS["cyl"] == 4, 2.0, 1.0)
    repeated = CARS.loc[CARS.index.repeat(weights.astype(int))]
    family = Weibull(shape=2.0)
    weighted = sd.glm("mpg ~ wt", data=CARS, family=family, weights=weights)
    twice = sd.glm("mpg ~ wt", data=repeated, family=family)
    np.testing.assert_allclose(weighted.params, twice.params, rtol=1e-9)
    assert weighted.llf == pytest.approx(twice.llf)


def test_families_refuse_what_lies_outside_their_domain():
    data = {"y": [1.0, -2.0, 3.0], "x": [0.0, 1.0, 2.0]}
    with pytest.raises(sd.DataError, match=r"weibull family needs a response above 0; 1 of 3"):
        sd.glm("y ~ x", data=data, family=Weibull(shape=2.0))
    with pytest.raises(sd.DataError, match="of 0 or more; 1 of 3"):
        sd.glm("y ~ x", data=data, family=NegativeBinomial())
    with pytest.raises(sd.ModelError, match="above 0, not -1"):
        Weibull(shape=-1)


def test_a_fit_with_a_family_of_ones_own_says_why_it_is_not_saved(tmp_path):
    fit = sd.glm("mpg ~ wt", data=CARS, family=Weibull(shape=2.0))
    with pytest.raises(sd.ModelError, match="A fit with Weibull cannot be saved"):
        fit.save(tmp_path / "own.statdl")


@pytest.mark.parametrize("theta", [0.5, 9.0])
def test_negative_binomial_is_that_of_statsmodels(theta):
    formula = "breaks ~ wool * tension"
    ours = sd.glm(formula, data=WARP, family=NegativeBinomial(theta=theta))
    peer = smf.glm(formula, WARP, family=sm.families.NegativeBinomial(alpha=1 / theta)).fit()
    np.testing.assert_allclose(ours.params, peer.params, rtol=1e-8)
    np.testing.assert_allclose(ours.bse, peer.bse, rtol=1e-6)
    assert ours.llf == pytest.approx(peer.llf, rel=1e-10)
    assert ours.deviance == pytest.approx(peer.deviance, rel=1e-10)


def test_negative_binomial_of_large_theta_is_poisson():
    near = sd.glm("breaks ~ wool", data=WARP, family=NegativeBinomial(theta=1e8))
    poisson = sd.glm("breaks ~ wool", data=WARP, family="poisson")
    np.testing.assert_allclose(near.params, poisson.params, rtol=1e-6)
    np.testing.assert_allclose(near.bse, poisson.bse, rtol=1e-5)


def test_derivatives_of_squareplus_are_its_own():
    f, z = Squareplus(), np.linspace(-6, 6, 41)
    np.testing.assert_allclose(f.derivative(z), slope(f.value, z), rtol=1e-7)
    np.testing.assert_allclose(f.second(z), slope(f.derivative, z), rtol=1e-6)


def test_squareplus_keeps_its_digits_in_both_tails():
    f = Squareplus()
    np.testing.assert_allclose(f.value(np.asarray([-1e9, 1e9])), [1e-9, 1e9], rtol=1e-12)
    np.testing.assert_allclose(f.derivative(np.asarray([-1e4, 1e4])), [1e-8, 1.0], rtol=1e-7)


def test_a_network_of_squareplus_ends_at_a_minimum():
    net = sd.mlp(
        "mpg ~ wt + hp", data=CARS, hidden=2, activation=Squareplus(), decay=0.1, restarts=3
    )
    assert net.converged
    objective, theta = net.estimate.objective, net.estimate.parameters
    value, gradient = objective.value_and_gradient(theta)
    assert np.abs(gradient).max() < 1e-5
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert objective.value(theta + 1e-3 * rng.standard_normal(theta.shape)) > value


def test_a_prior_elsewhere_than_at_0_is_said_to_draw_there():
    prior = NormalPrior(-2.0, 10.0)
    fit = sd.lm("mpg ~ wt + hp", data=CARS, penalty=prior)
    assert "estimates are drawn towards -2, the penalised" in str(fit.summary())
    assert "Coefficients are drawn towards -2" in fit_readings(fit.goodness, 0.95)[1].text

    class Silent(NormalPrior):
        towards = None

    silent = sd.lm("mpg ~ wt + hp", data=CARS, penalty=Silent(-2.0, 10.0))
    assert "drawn to where their penalty is least" in " ".join(silent.summary().notes)
    ridge = sd.lm("mpg ~ wt + hp", data=CARS, penalty=10.0)
    assert "estimates are shrunk towards 0, the penalised" in str(ridge.summary())


@pytest.mark.parametrize("method", ["ls", "newton", "lbfgs", "gd"])
def test_a_normal_prior_has_its_closed_form(method):
    fit = sd.lm("mpg ~ wt + hp", data=CARS, penalty=NormalPrior(-2.0, 10.0), method=method)
    X, y = np.asarray(fit.model_matrix(), dtype=float), CARS["mpg"].to_numpy()
    D = np.diag([0.0, 10.0, 10.0])
    closed = np.linalg.solve(X.T @ X + D, X.T @ y + D @ [0.0, -2.0, -2.0])
    np.testing.assert_allclose(fit.params, closed, rtol=1e-6)


def test_a_normal_prior_has_its_limits():
    plain = sd.glm("am ~ wt", data=CARS, family="binomial")
    none = sd.glm("am ~ wt", data=CARS, family="binomial", penalty=NormalPrior(1.0, 0.0))
    np.testing.assert_allclose(none.params, plain.params, rtol=1e-12)
    np.testing.assert_allclose(none.bse, plain.bse, rtol=1e-12)
    certain = sd.glm("am ~ wt", data=CARS, family="binomial", penalty=NormalPrior(-1.0, 1e9))
    assert certain.params["wt"] == pytest.approx(-1.0, abs=1e-6)
    ridge = sd.glm("am ~ wt", data=CARS, family="binomial", penalty=sd.Ridge(2.0))
    around_0 = sd.glm("am ~ wt", data=CARS, family="binomial", penalty=NormalPrior(0.0, 2.0))
    np.testing.assert_allclose(around_0.params, ridge.params, rtol=1e-10)


MODELS = [
    lambda **options: sd.lm("mpg ~ wt + hp", data=CARS, **options),
    lambda **options: sd.glm("am ~ wt + hp", data=CARS, family="binomial", **options),
    lambda **options: sd.glm("breaks ~ wool * tension", data=WARP, family="poisson", **options),
]


@pytest.mark.parametrize("model", MODELS, ids=["lm", "logit", "poisson"])
def test_barzilai_borwein_agrees_with_newton(model):
    found, newton = model(method=BarzilaiBorwein()), model(method="newton")
    assert found.converged
    moved = (found.params - newton.params) / newton.bse
    assert moved.abs().max() < 1e-6
    np.testing.assert_allclose(found.bse, newton.bse, rtol=1e-6)


def test_barzilai_borwein_says_that_it_ran_out_of_steps():
    with pytest.warns(sd.ConvergenceWarning, match="Barzilai-Borwein: Stopped at the iteration"):
        fit = sd.lm("mpg ~ wt + hp", data=CARS, method=BarzilaiBorwein(max_iterations=2))
    assert fit.convergence.iterations == 2
