"""Networks in another array library, on a device of its own: the same fit, and no stray step."""

import numpy as np
import pytest

import statdl as sd
from statdl.backend.array import to_numpy

BATCHES = sd.GradientDescent(sd.AdamW(0.01, weight_decay=0.1), batch=30, epochs=20)
KINDS = {
    "newton": {},
    "held": {"fixed": {"x2 -> h1": 0.0}},
    "held, lbfgs": {"fixed": {"x2 -> h1": 0.5}, "method": "lbfgs"},
    "weight normalised": {"normalisation": "weight"},
    "weight normalised, held": {"normalisation": "weight", "fixed": {"x2 -> h1": 0.5}},
    "batches": {"method": BATCHES},
    "batches, held": {"method": BATCHES, "fixed": {"x2 -> h1": 0.0}},
    "batches, weight normalised": {"method": BATCHES, "normalisation": "weight", "dropout": 0.2},
    "batches, layer normalised": {"method": BATCHES, "normalisation": "layer"},
    "batches, batch normalised": {"method": BATCHES, "normalisation": "batch", "l1": 0.1},
}


@pytest.mark.filterwarnings("ignore::statdl.ConvergenceWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_is_the_same_on_another_device(place, kind):
    random = np.random.default_rng(0)
    X = random.normal(size=(120, 3))
    y = np.tanh(X @ [1, 0.5, 0]) + 0.1 * random.normal(size=120)
    options = {"hidden": 2, "decay": 0.1, "seed": 1} | KINDS[kind]
    here = sd.mlp(X=X, y=y, **options)
    there = sd.mlp(X=place(X), y=place(y), **options)
    np.testing.assert_allclose(there.params, here.params, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(there.bse, here.bse, atol=1e-7)
    for column in ("Effect", "Std. Error"):
        found, expected = (fit.effects()[column] for fit in (there, here))
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)
    new = place(X[:5])
    found = there.predict(new, interval="confidence")
    np.testing.assert_allclose(
        to_numpy(found), np.asarray(here.predict(X[:5], interval="confidence")), atol=1e-7
    )
