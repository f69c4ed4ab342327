"""Discrimination of several classes and of new rows: pROC, scikit-learn, consequences."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import confusion_matrix, roc_auc_score

import statdl as sd
from tests.agreement import agree
from tests.reference import cases, frame

IRIS = sd.datasets.load("iris")
CARS = sd.datasets.load("mtcars")
SEVERAL = [case for case in cases("pictures") if case["model"] == "multinom"]


@pytest.mark.parametrize("case", SEVERAL, ids=lambda case: case["id"])
def test_areas_are_those_of_proc(case):
    table = sd.multinom(case["formula"], data=frame(case)).auc()
    expected = case["result"]
    assert list(table.index) == [*(one["class"] for one in expected["areas"]), "Hand and Till's M"]
    keys = {"AUC": "auc", "Std. Error": "se", "Lower": "lower", "Upper": "upper"}
    for column, key in keys.items():
        agree(table[column][:-1], [one[key] for one in expected["areas"]], rtol=1e-7)
    agree(table["AUC"][-1], expected["together"])
    assert np.isnan(table["Std. Error"][-1])


def test_one_class_against_the_rest():
    fit = sd.multinom("Species ~ Sepal.Width", data=IRIS)
    for k, label in enumerate(fit.levels):
        p = np.asarray(fit.fitted())[:, k]
        own = fit.roc(event=label)
        agree(own.auc, roc_auc_score(IRIS["Species"] == label, p))
        agree(own.auc, fit.auc()["AUC"][k])
        table = fit.calibration(4, event=label)
        agree(np.sum(table["n"] * table["Predicted"]), p.sum())
        agree(np.sum(table["n"] * table["Observed"]), 50)
    assert fit.hosmer_lemeshow_test(5, event="setosa").df == 3


def test_two_classes_have_one_area_whatever_the_family():
    logit = sd.glm("am ~ wt", data=CARS, family="binomial")
    softmax = sd.multinom("am ~ wt", data=CARS)
    for fit in (logit, softmax):
        table = fit.auc()
        assert table.index == ("1",)
        agree(table["AUC"], [fit.roc().auc])
    agree(logit.roc().auc, softmax.roc().auc)
    agree(logit.roc(event="0").auc, logit.roc().auc)


# new rows --------------------------------------------------------------------------------------


@pytest.fixture
def halves():
    return CARS.iloc[::2], CARS.iloc[1::2]


def test_new_rows_are_judged_by_their_own_response(halves):
    first, other = halves
    fit = sd.glm("am ~ wt", data=first, family="binomial")
    p = np.asarray(fit.predict(other))
    agree(fit.roc(newdata=other).auc, roc_auc_score(other["am"], p))
    found = fit.confusion(0.3, newdata=other)
    counts = np.stack([found["0"], found["1"]], axis=1)
    np.testing.assert_array_equal(counts, confusion_matrix(other["am"], p > 0.3))
    table = fit.calibration(4, newdata=other)
    agree(np.sum(table["n"] * table["Predicted"]), p.sum())
    assert fit.hosmer_lemeshow_test(4, newdata=other).df == 4
    for verb in (sd.roc, sd.auc, sd.confusion, sd.calibration):
        assert str(verb(fit, newdata=other)) == str(getattr(fit, verb.__name__)(newdata=other))


def test_the_rows_of_the_fit_are_new_rows_too():
    budworm = sd.datasets.load("budworm")
    fits = (
        (sd.glm("am ~ wt", data=CARS, family="binomial"), CARS),
        (sd.glm("cbind(dead, alive) ~ ldose", data=budworm, family="binomial"), budworm),
        (sd.multinom("factor(cyl) ~ qsec", data=CARS), CARS),
        (sd.multinom("cyl ~ qsec", data=CARS), pl.from_pandas(CARS)),
        (sd.mlp("Species ~ Sepal.Width", data=IRIS, hidden=2, decay=0.1, seed=0), IRIS),
    )
    for fit, data in fits:
        assert fit.auc(newdata=data).to_text() == fit.auc().to_text()
        assert fit.confusion(newdata=data).to_text() == fit.confusion().to_text()


def test_arrays_have_new_rows_as_pairs(halves):
    first, other = halves
    fit = sd.glm(X=first[["wt"]].to_numpy(), y=first["am"].to_numpy(), family="binomial")
    pair = (other[["wt"]].to_numpy(), other["am"].to_numpy())
    by_name = sd.glm("am ~ wt", data=first, family="binomial")
    agree(fit.roc(newdata=pair).auc, by_name.roc(newdata=other).auc)
    with pytest.raises(sd.DataError, match=r"newdata is \(X, y\)"):
        fit.roc(newdata=other)
    with pytest.raises(sd.DataError, match="a frame with predictors and response"):
        by_name.roc(newdata=pair)


def test_rows_with_missing_values_are_left_out(halves):
    first, other = halves
    fit = sd.glm("am ~ wt", data=first, family="binomial")
    holes = other.copy()
    holes["am"] = holes["am"].astype(float)
    holes.iloc[0, holes.columns.get_loc("am")] = np.nan
    holes.iloc[1, holes.columns.get_loc("wt")] = np.nan
    agree(fit.roc(newdata=holes).auc, fit.roc(newdata=other.iloc[2:]).auc)
    assert fit.confusion(newdata=holes).to_text() == fit.confusion(newdata=other[2:]).to_text()


def test_what_does_not_fit_is_said(halves):
    first, other = halves
    fit = sd.glm("am ~ wt", data=first, family="binomial")
    with pytest.raises(sd.DataError, match="'am' of newdata must be 0, 1 or between"):
        fit.roc(newdata=other.assign(am=2.0))
    with pytest.raises(sd.DataError, match="All rows are of one class"):
        fit.roc(newdata=other.assign(am=1))
    with pytest.raises(sd.DataError, match="no row without missing"):
        fit.confusion(newdata=other.assign(wt=np.nan))
    with pytest.raises(sd.StatdlError, match="am"):
        fit.roc(newdata=other.drop(columns="am"))
    flowers = sd.multinom("Species ~ Sepal.Width", data=IRIS)
    with pytest.raises(sd.DataError, match=r"'Species' of newdata.*one has tulip, the other"):
        flowers.auc(newdata=IRIS.iloc[:2].assign(Species=["tulip", "setosa"]))
    with pytest.raises(sd.ModelError, match="say which by event=, one of setosa, versicolor"):
        flowers.roc()
    with pytest.raises(sd.ModelError, match="event='rose' is no class"):
        flowers.calibration(event="rose")
    with pytest.raises(sd.ModelError, match="response of classes"):
        sd.lm("mpg ~ wt", data=CARS).auc()


def test_classes_that_new_rows_lack_leave_the_others():
    flowers = sd.multinom("Species ~ Sepal.Width", data=IRIS)
    two = IRIS[IRIS["Species"] != "setosa"]
    found = flowers.confusion(newdata=two)
    assert found["Recall"][0] != found["Recall"][0]
    assert sum(found[label].sum() for label in flowers.levels) == 100
    with pytest.raises(sd.DataError, match="All rows are of one class"):
        flowers.roc(newdata=two, event="setosa")
