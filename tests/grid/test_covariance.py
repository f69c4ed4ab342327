"""Robust covariances against statsmodels at run time, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

import statdl as sd
from tests.agreement import agree, agree_in_size

N = 240


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(7)
    x, z = rng.normal(size=(2, N))
    firm, year = rng.integers(0, 24, N), rng.integers(0, 9, N)
    shared = rng.normal(size=24)[firm] + rng.normal(size=9)[year]
    y = 1 + x - 0.5 * z + shared + rng.normal(size=N) * (0.5 + np.abs(x))
    eta = 0.4 * x + 0.3 * shared
    return pd.DataFrame(
        {
            "y": y,
            "x": x,
            "z": z,
            "firm": firm,
            "year": year,
            "hit": (rng.random(N) < 1 / (1 + np.exp(-eta))).astype(int),
            "count": rng.poisson(np.exp(0.3 * eta)),
            "kind": np.array(["a", "b", "c"])[
                np.argmax(np.column_stack([0 * x, x, -z]) + rng.gumbel(size=(N, 3)), axis=1)
            ],
        }
    )


def theirs(model, data, **options):
    X = sm.add_constant(data[["x", "z"]].to_numpy())
    made = {
        "lm": lambda: sm.OLS(data["y"].to_numpy(), X),
        "logit": lambda: sm.GLM(data["hit"].to_numpy(), X, family=sm.families.Binomial()),
        "poisson": lambda: sm.GLM(data["count"].to_numpy(), X, family=sm.families.Poisson()),
        "multinom": lambda: sm.MNLogit(data["kind"].astype("category").cat.codes.to_numpy(), X),
    }[model]()
    quiet = {"disp": 0} if model == "multinom" else {}
    tight = {} if model == "lm" else {"tol": 1e-12, "maxiter": 100}
    return made.fit(**quiet, **tight, **options)


def ours(model, data, **options):
    made = {
        "lm": lambda: sd.lm("y ~ x + z", data=data, **options),
        "logit": lambda: sd.glm("hit ~ x + z", data=data, family="binomial", **options),
        "poisson": lambda: sd.glm("count ~ x + z", data=data, family="poisson", **options),
        "multinom": lambda: sd.multinom("kind ~ x + z", data=data, **options),
    }
    return made[model]()


MODELS = ["lm", "logit", "poisson", "multinom"]
models = pytest.mark.parametrize("model", MODELS)


@pytest.mark.parametrize(
    ("model", "kind"),
    [("lm", kind) for kind in ("HC0", "HC1", "HC2", "HC3")]
    + [(model, "HC0") for model in MODELS[1:]],
)
def test_rows_of_unequal_variance(panel, model, kind):
    expected = theirs(model, panel, cov_type=kind)
    agree_in_size(ours(model, panel).vcov(kind), expected.cov_params())


@models
def test_clusters(panel, model):
    options = {"cov_type": "cluster", "cov_kwds": {"groups": panel["firm"].to_numpy()}}
    expected = theirs(model, panel, **options)
    agree_in_size(ours(model, panel).vcov("cluster", cluster="firm"), expected.cov_params())


@pytest.mark.parametrize("model", ["lm", "logit"])  # the others' differences are not positive
def test_two_ways(panel, model):
    firm, year = panel["firm"].to_numpy(), panel["year"].to_numpy()
    expected = cov_cluster_2groups(theirs(model, panel), firm, year)[0]
    agree_in_size(ours(model, panel).vcov("~ firm + year"), expected)


@models
def test_newey_west(panel, model):
    for correct, correction in ((True, "full"), (False, "none")):
        words = {"maxlags": 4, "use_correction": correct}
        expected = theirs(model, panel, cov_type="HAC", cov_kwds=words)
        found = ours(model, panel).vcov("HAC", maxlags=4, correction=correction)
        agree_in_size(found, expected.cov_params())


def test_table_under_another_covariance(panel):
    expected = theirs("lm", panel, cov_type="HC1", use_t=True)
    robust = ours("lm", panel).with_covariance("HC1")
    agree(robust.bse, expected.bse)
    agree(robust.tvalues, expected.tvalues)
    agree(robust.conf_int(), expected.conf_int())
    agree(robust.fvalue, expected.fvalue)
    agree(robust.f_pvalue, expected.f_pvalue)
    assert robust.cov_type == "HC1"


def test_every_verb_takes_the_covariance(panel):
    fit = ours("lm", panel)
    under = fit.with_covariance("HC3")
    summary = str(fit.summary(vcov="HC3"))
    assert summary == str(under.summary())
    assert "heteroskedasticity-robust (HC3); tests refer to t with 237 degrees" in " ".join(
        summary.split()
    )
    agree(fit.confint(vcov="HC3"), under.confint())
    new = {"x": [0.5], "z": [1.0]}
    found = fit.predict(new, se_fit=True, interval="confidence", vcov="HC3")
    row = np.array([1.0, 0.5, 1.0])
    agree(found["se_fit"], [np.sqrt(row @ fit.vcov("HC3").to_numpy() @ row)])
    agree(found["upr"] - found["fit"], stats.t.ppf(0.975, 237) * found["se_fit"])
    agree(fit.effects(vcov="HC3")["Std. Error"], under.bse[1:])
    terms = fit.predict(new, type="terms", se_fit=True, vcov="HC3")
    agree(terms["se_fit.x"], [abs(0.5 - panel["x"].mean()) * under.bse["x"]])


def test_a_fit_under_its_own_covariance_is_itself(panel):
    fit = ours("logit", panel)
    assert fit.with_covariance() is fit
    assert str(fit.summary(vcov="classical")) == str(fit.summary())


def test_a_matrix_of_ones_own(panel):
    fit = ours("multinom", panel)
    robust = fit.vcov("HC0")
    agree(fit.with_covariance(robust).bse, fit.with_covariance("HC0").bse)
    assert "matrix that was given" in str(fit.summary(vcov=robust.to_numpy()))
    with pytest.raises(sd.ModelError, match=r"shape \(2, 2\), and the fit has 6"):
        fit.summary(vcov=np.eye(2))
    with pytest.raises(sd.ModelError, match="symmetric"):
        fit.summary(vcov=np.triu(np.ones((6, 6))))


def test_the_reference_of_clusters(panel):
    assert ours("lm", panel).with_covariance(cluster="firm").coefficients.df == 23
    assert ours("lm", panel).with_covariance("~ firm + year").coefficients.df == 8
    assert ours("logit", panel).with_covariance(cluster="firm").coefficients.df == np.inf


def test_clusters_of_one_row_are_hc0(panel):
    for model in MODELS:
        fit = ours(model, panel)
        alone = fit.vcov("cluster", cluster=np.arange(N), correction="none")
        agree_in_size(alone, fit.vcov("HC0"))


def test_indicators_of_the_clusters_themselves(panel):
    fit = sd.lm("y ~ factor(year)", data=panel)
    with pytest.warns(sd.StatdlWarning, match=r"factor\(year\)\[T.3\].* add up to 0"):
        fit.vcov(cluster="year")


def test_clusters_in_every_shape_are_the_same(panel):
    fit = ours("lm", panel)
    expected = fit.vcov(cluster="firm")
    words = panel["firm"].map(lambda firm: f"firm {firm}")
    for by in ("~ firm", panel["firm"], words, words.to_numpy(), list(words), panel[["firm"]]):
        agree(fit.vcov(cluster=by), expected)
    both = fit.vcov(cluster="~ firm + year")
    for by in (["firm", "year"], panel[["firm", "year"]], panel[["firm", "year"]].to_numpy()):
        agree(fit.vcov(cluster=by), both)
    crossed = panel["firm"] * 100 + panel["year"]
    agree(fit.vcov(cluster="~ firm:year"), fit.vcov(cluster=crossed))
    there = sd.lm("y ~ x + z", data=pl.from_pandas(panel))
    agree(there.vcov(cluster="firm"), expected)


def test_dates_are_clusters(panel):
    data = panel.assign(day=pd.to_datetime("2020-01-01") + pd.to_timedelta(panel["year"], "D"))
    fit = sd.lm("y ~ x + z", data=data)
    agree(fit.vcov(cluster="day"), fit.vcov(cluster="year"))


def test_rows_left_out_are_left_out_of_clusters(panel):
    holes = panel.copy()
    holes.loc[[3, 50, 51], "x"] = np.nan
    whole = holes.dropna()
    for options in ({}, {"subset": "z > -1"}):
        fit = ours("lm", holes, **options)
        expected = ours("lm", whole, **options).vcov(cluster="firm")
        agree(fit.vcov(cluster="firm"), expected)
        agree(fit.vcov(cluster=holes["firm"].to_numpy()), expected)


def test_many_blocks_of_rows():
    rng = np.random.default_rng(0)
    n = 50_000
    X, codes = rng.normal(size=(n, 4)), rng.integers(0, 900, n)
    y = X @ [1, 2, 0, 0] + rng.normal(size=n) + rng.normal(size=900)[codes]
    fit = sd.lm(X=X, y=y)
    A = np.column_stack([np.ones(n), X])
    s = A * np.asarray(fit.resid)[:, None]
    bread = np.linalg.inv(A.T @ A)
    sums = np.zeros((900, 5))
    np.add.at(sums, codes, s)
    agree_in_size(fit.vcov(cluster=codes, correction="none"), bread @ sums.T @ sums @ bread)
    lagged = s.T @ s
    for lag in range(1, 4):
        g = s[lag:].T @ s[:-lag]
        lagged += (1 - lag / 4) * (g + g.T)
    agree_in_size(fit.vcov("HAC", maxlags=3), bread @ lagged @ bread)


def test_weights_of_zero_are_no_rows(panel):
    weights = np.where(np.arange(N) % 7 == 0, 0.0, 1.5)
    kept = panel[weights > 0]
    fit = ours("lm", panel, weights=weights)
    fewer = ours("lm", kept, weights=weights[weights > 0])
    for kind in ("HC0", "HC1", "HC3", "HC4"):
        agree(fit.vcov(kind), fewer.vcov(kind))
    agree(fit.vcov(cluster="firm"), fewer.vcov(cluster="firm"))


def test_a_file_keeps_the_covariance(panel, tmp_path):
    under = ours("multinom", panel).with_covariance(cluster="firm")
    under.save(tmp_path / "fit.statdl")
    again = sd.load(tmp_path / "fit.statdl")
    assert str(again.summary()) == str(under.summary())
    agree(again.vcov(), under.vcov())
    with pytest.raises(sd.DataError, match="no rows of the data"):
        again.vcov("HC0")
    with pytest.raises(sd.DataError, match=r"Save fit.with_covariance\(cluster=…\)"):
        again.vcov(cluster="firm")


# bootstrap ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "cluster", "expected", "options"),
    [
        ("residual", None, "classical", {}),
        ("wild", None, "HC0", {}),
        ("wild", "firm", "cluster", {"cluster": "firm", "correction": "none"}),
        ("pairs", None, "HC1", {}),
        ("cluster", "firm", "cluster", {"cluster": "firm"}),
    ],
)
def test_bootstraps_come_near_what_they_estimate(panel, scheme, cluster, expected, options):
    fit = ours("lm", panel)
    closed = scheme in ("residual", "wild")
    words = {"scheme": scheme, "cluster": cluster, "B": 20_000 if closed else 1500, "seed": 1}
    found = np.diag(fit.vcov("bootstrap", **words))
    near = np.diag(fit.vcov(expected, **options))
    np.testing.assert_allclose(found, near, rtol=0.04 if closed else 0.25)


@models
def test_bootstrap_of_clusters(panel, model):
    fit = ours(model, panel)
    one, same = (fit.vcov("bootstrap", cluster="firm", B=300, seed=3) for _ in range(2))
    assert (one == same).all(axis=None)
    np.testing.assert_allclose(np.diag(one), np.diag(fit.vcov(cluster="firm")), rtol=0.5)


# refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"type": "HC9"}, "HC9"),
        ({"type": "cluster"}, "needs cluster="),
        ({"type": "HC1", "cluster": "firm"}, "cluster= belongs to"),
        ({"type": "HC1", "maxlags": 2}, "maxlags= belongs to"),
        ({"type": "HAC", "maxlags": -1}, "maxlags must be"),
        ({"type": "HAC", "maxlags": N}, "not below the 240 rows"),
        ({"type": "HAC", "correction": "groups"}, "for clusters"),
        ({"type": "cluster", "cluster": "firm", "correction": "some"}, "'some' is not known"),
        ({"type": "bootstrap", "scheme": "jackknife"}, "jackknife"),
        ({"type": "bootstrap", "scheme": "cluster"}, "say which with cluster="),
        ({"type": "bootstrap", "scheme": "pairs", "cluster": "firm"}, "has no clusters"),
        ({"type": "bootstrap", "cluster": "~ firm + year"}, "clusters of one way"),
        ({"cluster": "~ firm + year + z"}, "one way or two"),
        ({"cluster": "company"}, "lack the columns `company`"),
        ({"cluster": "~ log(firm)"}, "columns joined by"),
        ({"cluster": np.zeros(N)}, "all rows in one cluster"),
        ({"cluster": np.arange(N - 1)}, "239 values, but the fit has 240 rows"),
    ],
)
def test_what_is_refused(panel, words, message):
    with pytest.raises(sd.StatdlError, match=message):
        ours("lm", panel).vcov(**words)


def test_missing_clusters_name_their_rows(panel):
    data = panel.assign(firm=panel["firm"].astype(float))
    data.loc[[5, 17], "firm"] = np.nan
    data.loc[[2, 5], "x"] = np.nan
    with pytest.raises(sd.DataError, match=r"`firm` is missing in 1 row .* \(row 17\)"):
        ours("lm", data).vcov(cluster="firm")


def test_classes_have_no_leverage(panel):
    with pytest.raises(sd.ModelError, match=r"several classes.*HC0, HC1, 'cluster'"):
        ours("multinom", panel).vcov("HC3")


def test_wild_is_for_linear_regression(panel):
    with pytest.raises(sd.ModelError, match="only linear regression"):
        ours("logit", panel).vcov("bootstrap", scheme="wild")


def test_a_row_that_determines_its_own_fit():
    data = {"y": [1.0, 2, 4, 3, 7], "x": [1.0, 2, 3, 5, 4], "d": [0, 0, 0, 0, 1]}
    fit = sd.lm("y ~ x + d", data=data)
    assert np.isfinite(fit.vcov("HC1").to_numpy()).all()
    with pytest.raises(sd.NumericalError, match="1 row has a leverage of 1"):
        fit.vcov("HC3")


def test_data_that_changed_since_the_fit(panel):
    data = panel.copy()
    fit = ours("lm", data)
    data["firm"], order = data["firm"].to_numpy(), np.argsort(data["x"].to_numpy())
    data.index = data.index[order]
    with pytest.raises(sd.DataError, match="changed since the fit"):
        fit.vcov(cluster="firm")


def test_arrays_have_no_columns(panel):
    fit = sd.lm(X=panel[["x", "z"]].to_numpy(), y=panel["y"].to_numpy())
    with pytest.raises(sd.DataError, match="no columns to take clusters from"):
        fit.vcov(cluster="firm")
    agree(fit.vcov(cluster=panel["firm"].to_numpy()), ours("lm", panel).vcov(cluster="firm"))
