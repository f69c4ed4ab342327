"""tidy, glance, augment and the regression table: their columns, in every model and frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import statdl as sd
from statdl.report.vocabulary import VOCABULARY, documented, vetted

CARS = sd.datasets.load("mtcars")
DOCUMENT = Path(__file__).parents[2] / "docs" / "columns.md"
FITS = {
    "lm": lambda: sd.lm("mpg ~ wt + factor(cyl)", data=CARS),
    "ridge": lambda: sd.lm("mpg ~ wt + hp", data=CARS, penalty=1.0),
    "logit": lambda: sd.glm("am ~ wt", data=CARS, family="binomial"),
    "gamma": lambda: sd.glm("mpg ~ wt", data=CARS, family="gamma"),
    "multinom": lambda: sd.multinom("gear ~ wt", data=CARS),
    "network": lambda: sd.mlp("mpg ~ wt + factor(cyl)", data=CARS, hidden=2, decay=0.1),
    "classes": lambda: sd.mlp("gear ~ wt", data=CARS.assign(gear=CARS["gear"].astype(str)),
                              hidden=2, decay=0.1),
    "arrays": lambda: sd.lm(X=CARS[["wt", "hp"]].to_numpy(), y=CARS["mpg"].to_numpy()),
}  # fmt: skip


@pytest.fixture(scope="module", params=FITS)
def fit(request):
    return FITS[request.param]()


def test_every_column_is_in_the_vocabulary(fit):
    own = set(CARS.columns) | set(fit.estimate.frame.design.names)
    tables = [
        fit.tidy(conf_int=True),
        fit.tidy(what="coefficients"),
        fit.tidy(what="effects"),
        fit.glance(),
        fit.augment(),
        fit.predictions(),
        fit.avg_slopes(),
        fit.comparisons(),
    ]
    if fit.family.name != "multinomial":
        tables.append(fit.augment(se_fit=True, interval="confidence"))
    for table in tables:
        assert set(table.columns) - own <= set(VOCABULARY)
        assert len(table)


def test_the_vocabulary_is_documented():
    assert documented() in DOCUMENT.read_text(encoding="utf-8")
    assert all(meaning for meaning in VOCABULARY.values())


def test_unknown_columns_are_refused():
    with pytest.raises(ValueError, match="se_coef"):
        vetted({"estimate": [1], "se_coef": [2]})


def test_tidy_holds_the_coefficient_table(fit):
    table = fit.tidy(what="coefficients", conf_int=True, level=0.9)
    np.testing.assert_array_equal(table["estimate"], fit.coefficients.estimate.T.reshape(-1))
    limits = sd.Fit.confint(fit, 0.9).to_numpy() if fit.estimate.specification.plan is None else (
        fit.confint(0.9, what="weights").to_numpy()
    )  # fmt: skip
    np.testing.assert_allclose(table[["conf.low", "conf.high"]], limits)


def test_glance_has_r_s_criteria(fit):
    row = fit.glance()
    assert len(row) == 1
    assert row["AIC"][0] == pytest.approx(fit.AIC(), nan_ok=True)
    assert row["BIC"][0] == pytest.approx(fit.BIC(), nan_ok=True)
    assert row["nobs"][0] == fit.nobs


def test_augment_says_of_rows_what_the_fit_says():
    fit = FITS["logit"]()
    table = fit.augment(type_predict="response", type_residuals="pearson")
    np.testing.assert_array_equal(table[".fitted"], fit.fitted())
    np.testing.assert_array_equal(table[".resid"], fit.residuals("pearson"))
    np.testing.assert_allclose(table[".hat"], fit.leverage())
    new = fit.augment(CARS.head(3))
    np.testing.assert_allclose(new[".fitted"], fit.predict(CARS.head(3), type="link"))
    assert ".resid" not in new
    classes = FITS["multinom"]().augment()
    picked = FITS["multinom"]().predict().to_numpy()[np.arange(32), CARS["gear"] - 3]
    np.testing.assert_allclose(classes[".fitted"], picked)
    assert (classes[".probability"] >= classes[".fitted"] - 1e-15).all()


def test_rows_that_were_not_used_are_not_shown():
    fit = sd.lm("mpg ~ wt", data=CARS, subset="cyl != 6")
    table = fit.augment()
    assert table.index.tolist() == CARS.index[CARS["cyl"] != 6].tolist()
    np.testing.assert_allclose(table[".fitted"] + table[".resid"], table["mpg"])


@pytest.mark.parametrize("make", [pl.from_pandas, pa.Table.from_pandas])
def test_frames_come_back_in_their_kind(make):
    data = make(CARS.reset_index(drop=True))
    fit = sd.lm("mpg ~ wt + factor(cyl)", data=data)
    for table in (fit.tidy(), fit.glance(), fit.augment(), fit.augment(data)):
        assert type(table) is type(data)


def test_a_glance_refers_to_the_covariance_asked_for():
    fit = sd.lm("mpg ~ wt + hp", data=CARS)
    for options in ({"vcov": "HC3"}, {"cluster": "gear"}):
        row = fit.glance(**options).iloc[0]
        assert row.equals(fit.with_covariance(**options).glance().iloc[0])
        assert row["statistic"] != fit.glance()["statistic"][0]
    assert sd.glance(fit, vcov="HC3")["p.value"][0] == pytest.approx(
        fit.wald("wt, hp", vcov="HC3")["Pr(>F)"][2]
    )


def test_a_comparison_takes_a_covariance_for_each_fit():
    fit = sd.lm("mpg ~ wt", data=CARS)
    given = ["HC2", None, fit.vcov("HC3").to_numpy()]
    errors = [cell["wt"][1] for cell in sd.compare(fit, fit, fit, vcov=given).cells]
    plain = [fit.with_covariance(one) for one in ("HC2", None, "HC3")]
    assert errors == [cell["wt"][1] for cell in sd.compare(*plain).cells]
    assert len(set(errors)) == 3


def test_names_are_set_off_from_what_they_name():
    fit = sd.lm("mpg ~ wt", data=CARS)
    assert "a & b: lm(mpg ~ wt)" in str(sd.compare(fit, names=["a & b"]))
    assert "(1) lm(mpg ~ wt)" in str(sd.compare(fit))


def test_tables_take_any_covariance():
    fit = FITS["lm"]()
    robust = fit.tidy(vcov="HC3")["std.error"]
    np.testing.assert_allclose(robust, fit.with_covariance("HC3").bse)
    ratios = FITS["logit"]().tidy(exponentiate=True, conf_int=True)
    np.testing.assert_allclose(ratios["conf.low"], np.exp(FITS["logit"]().confint().iloc[:, 0]))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: FITS["lm"]().tidy(what="weights"), "choose coefficients or effects"),
        (lambda: FITS["network"]().tidy(exponentiate=True), "mean nothing"),
        (lambda: FITS["lm"]().tidy(conf_int=True, level=2), "between 0 and 1"),
        (lambda: FITS["multinom"]().augment(se_fit=True), "of every class"),
        (lambda: FITS["logit"]().augment(type_predict="class"), "choose response or link"),
        (lambda: sd.compare(FITS["lm"](), below="errors"), "choose one of std.error"),
        (lambda: sd.compare(FITS["lm"](), names=["a", "b"]), "1 different names"),
        (lambda: sd.compare(FITS["lm"](), stars={"*": 5}), "marks with bounds"),
        (lambda: sd.tidy(3), "is none"),
    ],
)
def test_bad_words_are_refused(ask, message):
    with pytest.raises(sd.ModelError, match=message):
        ask()


# the regression table -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compared():
    fits = [sd.lm("mpg ~ wt", data=CARS), sd.lm("mpg ~ wt + hp", data=CARS)]
    return sd.compare(*fits, stars=True, names=["short", "long"])


def test_coefficients_stand_over_their_errors(compared):
    lines = str(compared).splitlines()
    place = next(k for k, line in enumerate(lines) if line.startswith("wt"))
    assert lines[place].split() == ["wt", "-5.3445***", "-3.8778***"]
    assert lines[place + 1].split() == ["(0.559)", "(0.633)"]
    assert next(line for line in lines if line.startswith("hp")).split() == ["hp", "-0.0318**"]
    assert sum("short" in line and "long" in line for line in lines) == 1  # one header
    assert "* p < 0.05, ** p < 0.01, *** p < 0.001." in str(compared)


def test_every_format_has_every_cell(compared):
    markdown, latex = compared.to_markdown(), compared.to_latex()
    html = compared.to_html()
    for shown in ("5.3445", "0.559", "Adj. R-squared", "0.7446"):
        assert all(shown in text for text in (markdown, latex, html))
    assert "$-$5.3445$^{***}$" in latex
    assert "| wt | -5.3445\\*\\*\\* | -3.8778\\*\\*\\* |" in markdown
    widths = {line.count("|") - line.count("\\|") for line in markdown.splitlines() if "|" in line}
    assert widths == {4}


def test_other_things_can_stand_below():
    fit = FITS["logit"]()
    limits = sd.compare(fit, below="conf.int", exponentiate=True, vcov="HC0")
    high = np.exp(fit.confint(vcov="HC0").loc["wt"])["97.5 %"]
    assert f", {high:.3f})" in str(limits)
    assert "HC0" in str(limits)
    assert (
        "("
        not in str(sd.compare(fit, below="nothing", names=["a"])).split("Rows")[0].split("\n", 2)[2]
    )
    mixed = sd.compare(fit, fit.with_covariance("HC0"), names=["plain", "robust"])
    assert "robust Standard errors" in str(mixed).replace("\n", " ")


def test_classes_have_rows_of_their_own():
    table = sd.compare(FITS["multinom"]())
    assert table.terms == ("4: Intercept", "4: wt", "5: Intercept", "5: wt")


def test_a_network_stands_beside_a_regression_by_effects():
    """Average marginal effects, which every model has, in rows of the same name."""
    fits = [sd.lm("mpg ~ wt + hp", data=CARS), sd.mlp("mpg ~ wt + hp", CARS, hidden=2, decay=0.1)]
    table = sd.compare(*fits)
    assert table.terms == ("wt", "hp")
    effects = [fit.effects() for fit in fits]
    for k, term in enumerate(table.terms):
        for cell, found in zip((one[term] for one in table.cells), effects, strict=True):
            assert float(cell[0]) == pytest.approx(found["Effect"][k], rel=1e-3)
            assert float(cell[1].strip("()")) == pytest.approx(found["Std. Error"][k], rel=0.05)
    assert "average marginal effects" in str(table)
    assert sd.compare(*fits, what="coefficients").terms == ("Intercept", "wt", "hp")
    assert sd.compare(fits[0], what="effects").terms == ("wt", "hp")
    assert sd.compare(*fits, exponentiate=True).terms == ("Intercept", "wt", "hp")
    with pytest.raises(sd.ModelError, match="exponentiate=True is for coefficients"):
        sd.compare(*fits, what="effects", exponentiate=True)
    with pytest.raises(sd.ModelError, match="choose coefficients or effects"):
        sd.compare(*fits, what="weights")


def test_effects_of_classes_and_of_loaded_fits(tmp_path):
    fits = [FITS["multinom"](), FITS["classes"]()]
    table = sd.compare(*fits)
    assert table.terms == ("3: wt", "4: wt", "5: wt")
    for k, fit in enumerate(fits):
        fit.save(tmp_path / f"{k}.statdl")
    again = [sd.load(tmp_path / f"{k}.statdl") for k in range(2)]
    assert sd.compare(*again).cells == table.cells


def test_great_tables_shows_the_same_cells(compared):
    pytest.importorskip("great_tables")
    html = compared.to_great_tables().as_raw_html()
    assert "-5.3445***" in html
    assert "Comparison of fits" in html


def test_a_missing_great_tables_is_named(compared, monkeypatch):
    class Missing:
        def __getattr__(self, name):
            raise ImportError(name)

    monkeypatch.setattr("statdl.report.table.great_tables", Missing())
    with pytest.raises(sd.ModelError, match="statdl\\[tables\\]"):
        compared.to_great_tables()


def test_maketables_reads_fits():
    maketables = pytest.importorskip("maketables")
    fits = [FITS[name]().to_maketables() for name in ("lm", "logit", "multinom")]
    latex = maketables.ETable(fits).make("tex")
    assert "-3.206" in latex
    assert "0.837" in latex  # R²
    assert "-3.465" in latex
    assert "mpg" in latex
    assert "-5.344" in maketables.ETable([sd.lm("mpg ~ wt", data=CARS)]).make("tex")


def test_markdown_of_a_summary_has_its_pairs():
    text = FITS["lm"]().summary().to_markdown()
    assert "| Dep. Variable: | mpg |" in text
    assert pd.isna(FITS["lm"]().tidy()["estimate"]).sum() == 0


def test_ratios_stand_over_their_own_errors():
    fit = FITS["logit"]()
    table = sd.compare(fit, exponentiate=True)
    ratio, error = table.cells[0]["wt"]
    assert float(ratio) == pytest.approx(np.exp(fit.params["wt"]), rel=1e-2)
    delta = np.exp(fit.params["wt"]) * fit.bse["wt"]
    assert float(error.strip("()")) == pytest.approx(delta, rel=1e-1)
    assert "Rows are ratios e^β; their standard errors are e^β times those of β" in str(table)
    assert "ratios e^β" not in str(sd.compare(fit))


def test_numbers_of_rows_are_whole():
    lines = str(FITS["logit"]().calibration(groups=4)).splitlines()
    assert not any(".0000" in line.split("]")[-1].split()[0] for line in lines if "]" in line)
