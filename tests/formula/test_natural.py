"""Natural cubic splines: R's basis, straight beyond the bounds, the span of truncated powers."""

import numpy as np
import pytest

import statdl as sd
from statdl.formula.natural import natural_spline

CARS = sd.datasets.load("mtcars")
NEW = {"hp": [30.0, 150.0, 400.0]}

#: R 4.2: coef(lm(f, mtcars)) and predict(…, data.frame(hp = c(30, 150, 400))), f by splines::ns.
R = {
    "ns(hp, 3)": (
        [31.18289866, -14.39031357, -26.47958741, -10.89596654],
        [35.18868428, 17.50611964, 15.78957632],
    ),
    "ns(hp, knots=(100, 150))": (
        [31.30763310, -15.13589344, -25.33480552, -12.06092328],
        [35.47719547, 17.57748694, 15.81199988],
    ),
    "ns(hp, df=4, intercept=TRUE) - 1": (
        [15.110559234, -1.854759949, 49.651182512, -6.013594111],
        [35.18868428, 17.50611964, 15.78957632],
    ),
    "ns(hp)": ([26.55099008, -24.08205863], [28.052012197, 19.864618829, 2.807549311]),
}


@pytest.mark.parametrize("term", R)
def test_coefficients_and_predictions_are_those_of_r(term):
    coefficients, predictions = R[term]
    fit = sd.lm(f"mpg ~ {term}", data=CARS)
    assert np.allclose(fit.params, coefficients, rtol=1e-8)
    with pytest.warns(sd.StatdlWarning, match=r"2 of the new values lie outside of the training"):
        assert np.allclose(fit.predict(NEW), predictions, rtol=1e-8)


def test_it_spans_what_truncated_powers_span():
    x = np.sort(np.random.default_rng(1).normal(size=60))
    state = {}
    basis = natural_spline(x, 4, _state=state)
    knots = np.array([state["lower_bound"], *state["knots"], state["upper_bound"]])

    def d(k):  # Hastie, Tibshirani & Friedman, Elements of Statistical Learning, (5.4)
        cubes = [np.maximum(x - knot, 0) ** 3 for knot in (knots[k], knots[-1])]
        return (cubes[0] - cubes[1]) / (knots[-1] - knots[k])

    powers = np.column_stack([np.ones(60), x, *(d(k) - d(len(knots) - 2) for k in range(3))])
    fitted = np.column_stack([np.ones(60), basis])
    residual = powers - fitted @ np.linalg.lstsq(fitted, powers, rcond=None)[0]
    assert np.abs(residual).max() < 1e-10


def test_beyond_the_bounds_it_is_straight():
    x = np.linspace(0, 1, 30)
    state = {}
    natural_spline(x, 3, _state=state)
    beyond = natural_spline(np.array([1.0, 1.5, 2.0, 2.5]), _state=state)
    assert np.allclose(np.diff(beyond, n=2, axis=0), 0, atol=1e-12)


def test_many_equal_values_ask_for_knots():
    with pytest.raises(sd.DataError, match=r"`ns\(am, 4\)` needs knots that differ.*smaller df"):
        sd.lm("mpg ~ ns(am, 4)", data=CARS)
