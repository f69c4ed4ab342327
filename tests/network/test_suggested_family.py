"""Which family a network has where none is named: what the response is made of says so."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import statdl as sd

RANDOM = np.random.default_rng(0)
FRAME = pd.DataFrame(RANDOM.normal(size=(80, 2)), columns=["a", "b"])
FRAME["yes"] = FRAME["a"] + RANDOM.normal(size=80) > 0
FRAME["word"] = np.where(FRAME["yes"], "ja", "nein")
FRAME["number"] = FRAME["yes"].astype(float)
OPTIONS = {"hidden": 1, "decay": 0.1}


@pytest.mark.parametrize(
    "data", [FRAME, pl.from_pandas(FRAME), sd.scan(FRAME)], ids=["pandas", "polars", "scan"]
)
@pytest.mark.parametrize("response", ["yes", "b > 0", "word"])
def test_truth_values_and_words_are_classes(data, response):
    net = sd.mlp(f"{response} ~ a", data=data, **OPTIONS)
    assert net.family.name == "binomial"


@pytest.mark.parametrize(
    "y",
    [
        FRAME["yes"],
        FRAME["yes"].to_numpy(),
        FRAME["yes"].tolist(),
        FRAME["yes"].astype("boolean"),
        FRAME["yes"].astype(object).to_numpy(),
    ],
    ids=["series", "array", "list", "nullable", "object"],
)
def test_truth_values_beside_an_array(y):
    X = FRAME[["a", "b"]].to_numpy()
    net = sd.mlp(X=X, y=y, **OPTIONS)
    same = sd.mlp(X=X, y=FRAME["number"].to_numpy(), family="binomial", **OPTIONS)
    assert net.family.name == "binomial"
    np.testing.assert_allclose(net.params.to_numpy(), same.params.to_numpy(), rtol=1e-10)


def test_numbers_are_numbers_even_if_they_are_0_and_1():
    assert sd.mlp("number ~ a", data=FRAME, **OPTIONS).family.name == "gaussian"
    assert sd.mlp("yes ~ a", data=FRAME, family="gaussian", **OPTIONS).family.name == "gaussian"
    assert sd.glm("yes ~ a", data=FRAME).family.name == "gaussian"  # as in R
