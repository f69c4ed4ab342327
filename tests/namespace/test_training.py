"""Ten epochs of training in single precision are the host's, by whatever path."""

import numpy as np
import pytest

import statdl as sd
from statdl.backend.array import to_numpy

RULES = (sd.SGD(0.05), sd.Momentum(0.02), sd.RMSProp(0.001), sd.Adam(0.001), sd.AdamW(0.001))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_ten_epochs(place, rule, activation):
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 6)).astype("float32")
    y = np.argmax(X[:, :3] + random.gumbel(size=(200, 3)), axis=1)
    options = {
        "family": "multinomial", "hidden": 8, "activation": activation, "scaling": "none",
        "method": sd.GradientDescent(rule, batch=32, epochs=10), "seed": 3, "dtype": "float32",
    }  # fmt: skip
    here = sd.mlp(X=X, y=y, **options)
    there = sd.mlp(X=place(X, "float32"), y=place(y), **options)
    assert here.estimate.parameters.dtype == np.float32
    scale = np.abs(to_numpy(here.fitted())).max()
    difference = np.abs(to_numpy(there.fitted()) - to_numpy(here.fitted())).max()
    assert difference <= 1e-5 * scale
