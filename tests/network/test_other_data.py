"""Data beside those of the fit are read by the names of their columns, and gaps are refused."""

import numpy as np
import pandas as pd
import pytest

import statdl as sd

RANDOM = np.random.default_rng(0)
FRAME = pd.DataFrame(RANDOM.normal(size=(120, 2)), columns=["a", "b"])
FRAME["y"] = 3 * FRAME["a"] + 0.1 * RANDOM.normal(size=120)
FRAME["yes"] = FRAME["y"] > 0
LEARNED, WATCHED = FRAME[:80], FRAME[80:]
STEPS = sd.GradientDescent(sd.Adam(0.02), batch=16, epochs=3)


def watched(validation, columns=("a", "b")):
    X, y = LEARNED[list(columns)], LEARNED["y"]
    return sd.mlp(X=X, y=y, hidden=2, method=STEPS, validation=validation).history


def test_validation_columns_are_those_of_the_names():
    as_learned = watched((WATCHED[["a", "b"]], WATCHED["y"]))
    for order in (["b", "a"], ["yes", "b", "a"]):
        again = watched((WATCHED[order], WATCHED["y"]))
        pd.testing.assert_frame_equal(again, as_learned)
    arrays = watched((WATCHED[["a", "b"]].to_numpy(), WATCHED["y"].to_numpy()))
    pd.testing.assert_frame_equal(arrays, as_learned)


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        ((WATCHED[["a"]], WATCHED["y"]), "validation=: the new data lack the columns `b`"),
        (
            (WATCHED[["a"]].to_numpy(), WATCHED["y"].to_numpy()),
            "validation=: the new data have 1 column, and the model was fitted to 2",
        ),
        (
            (WATCHED[["a", "b"]].mask(WATCHED[["a", "b"]] > 1), WATCHED["y"]),
            r"rows of validation= have missing values, the first is row \d",
        ),
        ((WATCHED[["a", "b"]], WATCHED["y"][::-1]), "the index of y differs"),
        (True, "validation=True says not how many rows"),
    ],
    ids=["column", "width", "gaps", "index", "true"],
)
def test_what_cannot_be_watched(validation, message):
    with pytest.raises(sd.DataError, match=message):
        watched(validation)


def test_gaps_in_a_validation_frame_are_refused():
    """They would have made every validation loss NaN, and early stopping blind."""
    gaps = WATCHED.assign(a=WATCHED["a"].mask(WATCHED["a"] > 1))
    with pytest.raises(sd.DataError, match="rows of validation= have missing values"):
        sd.mlp("y ~ a + b", data=LEARNED, hidden=2, method=STEPS, validation=gaps)
    with pytest.raises(sd.DataError, match=r"'x\.csv' is neither a share of the rows nor a frame"):
        sd.mlp("y ~ a + b", data=LEARNED, hidden=2, method=STEPS, validation="x.csv")


@pytest.mark.parametrize("measure", [sd.auc, sd.confusion, sd.calibration])
def test_measures_of_new_rows_read_columns_by_name(measure):
    fit = sd.glm(X=LEARNED[["a", "b"]], y=LEARNED["y"] > LEARNED["b"], family="binomial", penalty=1)
    answer = WATCHED["y"] > WATCHED["b"]
    as_learned = measure(fit, newdata=(WATCHED[["a", "b"]], answer)).to_frame()
    again = measure(fit, newdata=(WATCHED[["yes", "b", "a"]], answer)).to_frame()
    pd.testing.assert_frame_equal(again, as_learned)
