"""The same fits on a namespace with nothing but the standard in it, and on its pretended devices.

array-api-strict fails on a stray ``np.`` call and on arrays of two devices in one expression, which
is what a GPU would do. Results with a row for each observation stay on the device of the data.
"""

import array_api_strict as strict
import numpy as np
import pytest
from numpy.testing import assert_allclose

import statdl as sd
from statdl.backend.array import to_numpy
from tests.cases import draw, draw_classes

DEVICES = ("CPU_DEVICE", "device1", "device2")
devices = pytest.mark.parametrize("device", DEVICES)

LINEAR = draw("gaussian", "identity", 1)
BINARY = draw("binomial", "logit", 2)
CLASSES = draw_classes(3, n=90, p=2)


def on(device, values):
    """Values as an array of the strict namespace on one of its devices."""
    if values is None:
        return None
    values = np.asarray(values)
    dtype = strict.int64 if values.dtype.kind in "iu" else strict.float64
    return strict.asarray(values, dtype=dtype, device=strict.Device(device))


def fit(front, place, **options):
    """Fit by a front door, with every array passed through ``place``."""
    if front == "multinom":
        X, codes = CLASSES
        weights = np.linspace(0.5, 2.0, len(codes))
        return sd.multinom(X=place(X), y=place(codes), weights=place(weights), **options)
    case = {"lm": LINEAR, "glm": BINARY}[front]
    rows = {name: place(getattr(case, name)) for name in ("X", "y", "weights", "offset")}
    family = {"family": options.pop("family", "binomial")} if front == "glm" else {}
    return getattr(sd, front)(**rows, **family, **options)


def both(front, device, **options):
    return fit(front, lambda values: on(device, values), **options), fit(
        front, np.asarray, **options
    )


def assert_lives_on(array, device):
    assert array.__array_namespace__() is strict
    assert array.device == strict.Device(device)


def assert_same(there, here, rtol=1e-9):
    for name in (
        "params",
        "bse",
        "tvalues",
        "pvalues",
        "llf",
        "aic",
        "bic",
        "deviance",
        "null_deviance",
        "pearson_chi2",
        "scale",
        "df_resid",
        "nobs",
    ):
        assert_allclose(getattr(there, name), getattr(here, name), rtol=rtol, atol=1e-12)
    assert_allclose(there.vcov(), here.vcov(), rtol=rtol, atol=1e-14)
    assert_allclose(there.confint(), here.confint(), rtol=rtol)


CHOICES = [("lm", method) for method in ("ls", "newton", "lbfgs", "gd")] + [
    (front, method) for front in ("glm", "multinom") for method in ("newton", "irls", "lbfgs", "gd")
]


@devices
@pytest.mark.parametrize(("front", "method"), CHOICES)
def test_fits_are_the_same(device, front, method):
    assert_same(*both(front, device, method=method), rtol=1e-7)


@devices
@pytest.mark.parametrize(
    "rule",
    [
        sd.SGD(0.1),
        sd.Momentum(0.05),
        sd.Nesterov(0.05),
        sd.AdaGrad(0.1),
        sd.RMSProp(0.05),
        sd.Adam(0.05),
        sd.AdamW(0.05),
    ],
    ids=lambda rule: type(rule).__name__,
)
def test_batches_are_the_same(device, rule):
    method = sd.GradientDescent(rule, batch=16, epochs=3, clip=5.0, seed=1)
    for front in ("lm", "glm", "multinom"):
        there, here = both(front, device, method=method)
        assert_allclose(there.params, here.params, rtol=1e-9, atol=1e-12)
        assert_allclose(there.trace.loss, here.trace.loss, rtol=1e-9)


@devices
@pytest.mark.parametrize(
    ("family", "link"),
    [
        ("binomial", "probit"),
        ("binomial", "cauchit"),
        ("binomial", "cloglog"),
        ("poisson", "log"),
        ("poisson", "sqrt"),
        ("poisson", "identity"),
        ("gamma", "inverse"),
        ("gamma", "log"),
        ("gamma", "identity"),
        ("gaussian", "log"),
        ("gaussian", "inverse"),
    ],
)
def test_families_are_the_same(device, family, link):
    case = draw(family, link, 4)
    names = ("X", "y", "weights", "offset")
    there = case.fit(**{name: on(device, getattr(case, name)) for name in names})
    assert_same(there, case.fit(), rtol=1e-6)
    assert_allclose(
        to_numpy(there.residuals("deviance")),
        case.fit().residuals("deviance"),
        rtol=1e-6,
        atol=1e-9,
    )


@devices
@pytest.mark.parametrize("front", ["lm", "glm", "multinom"])
def test_rows_stay_on_the_device(device, front):
    there, here = both(front, device)
    kinds = (
        ("response", "pearson")
        if front == "multinom"
        else ("response", "pearson", "deviance", "working")
    )
    pairs = [(there.fitted(), here.fitted()), (there.predict(), here.predict())]
    pairs += [(there.residuals(kind), here.residuals(kind)) for kind in kinds]
    pairs.append((there.predict(type="link"), here.predict(type="link")))
    if front != "multinom":
        pairs.append((there.leverage(), here.leverage()))
        pairs.append((there.cooks_distance(), here.cooks_distance()))
    pairs.append((there.model_matrix(), here.model_matrix()))
    for ours, theirs in pairs:
        assert_lives_on(ours, device)
        assert_allclose(to_numpy(ours), theirs, rtol=1e-8, atol=1e-10)


@devices
@pytest.mark.parametrize("front", ["lm", "glm", "multinom"])
def test_predictions_are_the_same(device, front):
    there, here = both(front, device)
    new = (CLASSES[0] if front == "multinom" else LINEAR.X)[:7] / 2
    for data in (new, on(device, new)):
        assert_allclose(to_numpy(there.predict(data)), here.predict(new), rtol=1e-8)
    assert_lives_on(there.predict(on(device, new)), device)
    options = [
        {"se_fit": True},
        {"interval": "confidence"},
        {"interval": "confidence", "level": 0.5},
    ]
    options.append({"type": "link", "interval": "confidence", "se_fit": True})
    if front == "lm":
        options.append({"interval": "prediction"})
    if front != "multinom":
        options.append({"type": "terms"})
    for chosen in options:
        ours, theirs = there.predict(on(device, new), **chosen), here.predict(new, **chosen)
        assert_allclose(
            np.asarray(_table(ours)), np.asarray(_table(theirs)), rtol=1e-7, err_msg=str(chosen)
        )
    if front != "lm":
        ours = there.predict(on(device, new), type="class")
        assert list(np.asarray(ours)) == list(here.predict(new, type="class"))
    if front != "multinom":
        shift = np.full(7, 0.25)
        moved = there.predict(on(device, new), offset=on(device, shift))
        assert_allclose(to_numpy(moved), here.predict(new, offset=shift), rtol=1e-8)


def _table(values):
    return to_numpy(values) if hasattr(values, "__array_namespace__") else values


@devices
@pytest.mark.parametrize("front", ["lm", "glm", "multinom"])
def test_tables_are_the_same(device, front):
    there, here = both(front, device)
    lines = ("Time:", "Date:")
    ours, theirs = (
        [line for line in str(one.summary()).splitlines() if not line.startswith(lines)]
        for one in (there, here)
    )
    assert ours == theirs
    for typ in (1, 2, 3):
        assert str(there.anova(typ=typ)) == str(here.anova(typ=typ))


@devices
@pytest.mark.parametrize("front", ["lm", "glm", "multinom"])
def test_comparisons_are_the_same(device, front):
    def compare(place):
        large = fit(front, place)
        X = (CLASSES[0] if front == "multinom" else {"lm": LINEAR, "glm": BINARY}[front].X)[:, :1]
        return sd.anova(large.update(X=place(X)), large)

    assert str(compare(lambda values: on(device, values))) == str(compare(np.asarray))


@devices
def test_penalties_collinear_columns_and_missing_rows(device):
    X, y = LINEAR.X, LINEAR.y

    def there(X, y, **options):
        return sd.lm(X=on(device, X), y=on(device, y), **options)

    assert_same(there(X, y, penalty=2.0), sd.lm(X=X, y=y, penalty=2.0))
    twice = np.column_stack([X, 2 * X[:, 0]])
    with pytest.warns(sd.RankWarning, match="x4"):
        fit_twice = there(twice, y)
    assert_allclose(fit_twice.params[:4], sd.lm(X=X, y=y).params, rtol=1e-9)
    near = np.column_stack([X, X[:, 0] + 1e-7 * X[:, 1] ** 2])
    for method in ("ls", "newton"):
        ours, theirs = there(near, y, method=method), sd.lm(X=near, y=y, method=method)
        assert_allclose(to_numpy(ours.fitted()), theirs.fitted(), rtol=1e-6)
        assert ours.convergence.factorisation == theirs.convergence.factorisation
    holes = X.copy()
    holes[[1, 5], 1] = np.nan
    assert_same(there(holes, y), sd.lm(X=holes, y=y))
    assert_same(there(X, y, subset=X[:, 0] > 0), sd.lm(X=X, y=y, subset=X[:, 0] > 0))
    assert_same(there(X, y, intercept=False), sd.lm(X=X, y=y, intercept=False))


@devices
def test_separation_is_found_there_too(device):
    X = LINEAR.X
    with pytest.warns(sd.SeparationWarning, match="x1"):
        found = sd.glm(
            X=on(device, X), y=on(device, (X[:, 0] > 0).astype(float)), family="binomial"
        )
    assert np.isnan(found.bse).all()


@devices
def test_many_rows_there_too(device):
    X, codes = draw_classes(5, n=30_000, p=2)
    ours = sd.multinom(X=on(device, X), y=on(device, codes))
    assert_allclose(ours.params, sd.multinom(X=X, y=codes).params, rtol=1e-8)
    assert_lives_on(ours.fitted(), device)


@devices
def test_a_reference_and_words_as_response(device):
    X, codes = CLASSES
    words = np.array(["ash", "birch", "cedar"])[codes]
    ours = sd.multinom(X=on(device, X), y=words, reference="cedar")
    assert_allclose(ours.params, sd.multinom(X=X, y=words, reference="cedar").params, rtol=1e-8)
    by_number = sd.multinom(X=on(device, X), y=on(device, codes), reference=2)
    assert_allclose(by_number.params, ours.params, rtol=1e-8)


@devices
def test_single_precision(device):
    X = strict.asarray(LINEAR.X, dtype=strict.float32, device=strict.Device(device))
    ours = sd.lm(X=X, y=on(device, LINEAR.y))
    assert ours.fitted().dtype == strict.float32
    assert_allclose(ours.params, sd.lm(X=LINEAR.X, y=LINEAR.y).params, rtol=1e-4)
