"""Paths of rows that are read in blocks are those in memory: by one pass for all of it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import statdl as sd
from statdl.scan.folds import fold_numbers
from tests.scan.data import assert_same, drawn
from tests.scan.sources import SOURCES, pandas, parquet, partitions

RIGHT = "x + g + z + h + far + I(z ** 2)"
OPTIONS = (
    {},
    {"alpha": 0.3},
    {"alpha": 0.0},
    {"standardize": False},
    {"penalty_factor": {"x": 0.0, "z": 2.0}},
    {"lower": -0.1, "upper": {"x": 0.05}},
    {"groups": "terms"},
    {"lambda_": [0.3, 0.1, 0.0]},
)


def rows(n=300, seed=0):
    frame = drawn(n, seed)
    frame["far"] = 1e6 + frame.e  # products about 0 would keep four digits of its variance
    return frame


def assert_same_path(there, here, tolerance=1e-10):
    assert_same(there.lambdas, here.lambdas, of="lambda")
    for name in ("coefficients", "intercepts"):
        assert_same(getattr(there.estimate, name), getattr(here.estimate, name), tolerance, name)
    assert_same(there.explained, here.explained, of="explained")
    assert (there.df == here.df).all()
    for name in ("df", "deviance", "log_likelihood", "aic", "bic", "ebic", "gcv"):
        assert_same(getattr(there.criteria, name), getattr(here.criteria, name), of=name)


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    options=st.sampled_from(OPTIONS),
    source=st.sampled_from(SOURCES),
    size=st.sampled_from((1, 13, 90, 1000)),
    seed=st.integers(0, 10**6),
    weights=st.sampled_from((None, "w")),
    offset=st.sampled_from((None, "h")),
    ones=st.sampled_from(("", " - 1")),
)
def test_blocks_give_the_path_in_memory(
    tmp_path, options, source, size, seed, weights, offset, ones
):
    frame = rows(120, seed)
    if source.__name__ in ("partitions", "relation"):
        size = max(size, 30)  # thousands of tasks and queries would say no more
    asked = {"weights": weights, "offset": offset, **options}
    here = sd.path(f"y ~ {RIGHT}{ones}", data=frame, **asked)
    there = sd.path(f"y ~ {RIGHT}{ones}", data=source(frame, tmp_path, size), **asked)
    # about 0, the products of `far` are 1e12 times those of the others, which costs a ridge digits
    costly = bool(ones) and options.get("alpha") == 0
    assert_same_path(there, here, 1e-8 if costly else 1e-10)
    assert there.kkt <= max(1e-7, 10 * here.kkt)


def test_one_pass_is_all():
    frame = rows()
    scan = pandas(frame, None, 70)
    path = sd.path("y ~ x + z + h + far", data=scan)
    assert path.passes == 1
    here = sd.path("y ~ x + z + h + far", data=frame)
    strength = float(path.lambdas[9]) * 0.99
    assert_same(path.coef(strength, exact=True), here.coef(strength, exact=True))
    assert_same(path.relax(0.5).explained, here.relax(0.5).explained)
    assert_same(path.knots.to_frame(), here.knots.to_frame(), 1e-9)
    found, expected = (one.debiased(strength).to_frame() for one in (path, here))
    assert_same(found, expected, 1e-9)
    refitted = path.refit(strength)
    assert_same(refitted.params, here.refit(strength).params)
    assert_same(refitted.bse, here.refit(strength).bse)
    assert path.best("bic").nobs == here.best("bic").nobs
    assert "Lasso path" in path.to_text()
    assert len(path.plot().lines) == len(here.plot().lines)
    assert here.passes == 0


@pytest.mark.parametrize("options", [{}, {"alpha": 0.0}, {"groups": "terms"}])
def test_a_point_of_a_path_is_a_fit(options):
    frame = rows()
    here, there = (
        sd.path("y ~ x + z + g", data=data, **options) for data in (frame, pandas(frame, None, 41))
    )
    strength = float(here.lambdas[30])
    one, other = there.fit(strength), here.fit(strength)
    assert_same(one.params, other.params)
    assert_same(one.bse, other.bse)


def test_predictions_of_a_scan_are_written(tmp_path):
    frame = rows().dropna()
    scan = pandas(frame, None, 50)
    path = sd.path("y ~ x + z + g", data=scan)
    strength = float(path.lambdas[20])
    written = pd.read_parquet(path.predict(scan, strength, to=tmp_path / "p.parquet"))
    assert_same(written.fit, path.predict(frame, strength))
    with pytest.raises(sd.ModelError, match="at one λ"):
        path.predict(scan, to=tmp_path / "q.parquet")
    with pytest.raises(sd.ModelError, match="written as they are made"):
        path.predict(scan, strength)
    with pytest.raises(sd.ModelError, match="all rows of the fit in memory"):
        path.predict()


def test_columns_that_depend_have_the_loss_in_memory():
    frame = rows()
    frame["twice"], frame["same"] = 2 * frame.z, 3.0
    formula = "y ~ x + z + twice + same"
    here = sd.path(formula, data=frame)
    there = sd.path(formula, data=pandas(frame, None, 60))
    assert there.estimate.notes == here.estimate.notes != ()
    assert_same(there.explained, here.explained, 1e-9)
    assert there.kkt <= max(1e-7, 10 * here.kkt)


def test_a_first_row_far_away_costs_no_digits():
    """What is subtracted before sums are taken is from the data, and may be far off."""
    frame = rows(400).dropna()
    frame.iloc[0, frame.columns.get_loc("z")] = 1e9
    here = sd.path("y ~ x + z + e", data=frame, lambda_=[0.1, 0.01])
    there = sd.path("y ~ x + z + e", data=pandas(frame, None, 50), lambda_=[0.1, 0.01])
    assert_same(there.coef(), here.coef())


# cross-validation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"alpha": 0.4, "weights": "w", "offset": "h"}])
def test_folds_of_a_column(tmp_path, options):
    frame = rows(350)
    frame["part"] = np.arange(350) % 5
    here = sd.cv_path(f"y ~ {RIGHT}", data=frame, folds=frame.part, **options)
    there = sd.cv_path(f"y ~ {RIGHT}", data=parquet(frame, tmp_path, 60), folds="part", **options)
    assert_same(there.validation.by_fold, here.validation.by_fold)
    assert_same(there.validation.mean, here.validation.mean)
    assert_same(there.validation.standard_error, here.validation.standard_error)
    assert_same([there.lambda_min, there.lambda_1se], [here.lambda_min, here.lambda_1se])
    assert_same(there.best().params, here.best().params)
    assert there.folds is None
    assert "5-fold" in there.to_text()


def test_folds_that_are_drawn_do_not_depend_on_blocks(tmp_path):
    frame = rows(350)
    one = fold_numbers(0, 350, 6, seed=3)
    assert sorted(np.bincount(one).tolist()) == [58, 58, 58, 58, 59, 59]
    sizes = [
        part.count_rows() for part in parquet(frame, tmp_path, 1).source.dataset.get_fragments()
    ]
    assert sizes == [116, 116, 116, 2]
    fold = np.concatenate([fold_numbers(0, n, 6, 3, k) for k, n in enumerate(sizes)])
    here = sd.cv_path("y ~ x + z + far", data=frame, folds=fold)
    for size in (1, 33, 1000):
        scan = parquet(frame, tmp_path, size)
        there = sd.cv_path("y ~ x + z + far", data=scan, folds=6, seed=3)
        assert there.path.passes == 1
        assert_same(there.validation.by_fold, here.validation.by_fold)
    other = sd.cv_path("y ~ x + z + far", data=scan, folds=6, seed=4)
    assert abs(other.validation.mean - here.validation.mean).max() > 1e-6


def test_partitions_have_draws_of_their_own(tmp_path):
    frame = rows(90).dropna().reset_index(drop=True)
    sizes = [len(part) for part in partitions(frame, tmp_path, 100).source.frame.partitions]
    starts = np.cumsum([0, *sizes])
    fold = np.concatenate([fold_numbers(0, n, 3, 0, k) for k, n in enumerate(sizes)])
    assert len(fold) == starts[-1] == len(frame)
    here = sd.cv_path("y ~ x + z", data=frame, folds=fold)
    there = sd.cv_path("y ~ x + z", data=partitions(frame, tmp_path, 7), folds=3)
    assert_same(there.validation.by_fold, here.validation.by_fold)


SCAN = pandas(rows(60), None, 20)


@pytest.mark.parametrize(
    ("door", "options", "message"),
    [
        (sd.path, {"family": "binomial"}, "gaussian family with the identity link only"),
        (sd.path, {"family": sd.families.Gaussian(link="log")}, "identity link only"),
        (sd.cv_path, {"family": "poisson"}, "gaussian family with the identity link only"),
        (sd.path, {"weights": np.ones(60)}, "weights= of a scan is a column"),
        (sd.cv_path, {"measure": "mae"}, "has to look at every row again"),
        (sd.cv_path, {"measure": "r2"}, "not known"),
        (sd.cv_path, {"folds": 1}, "from 2 to 1000"),
        (sd.cv_path, {"folds": [0, 1] * 30}, "the name of a column"),
        (sd.cv_path, {"folds": "nothing"}, "names the column `nothing`"),
        (sd.cv_path, {"folds": "g"}, "missing in"),
        (sd.cv_path, {"folds": 5, "subset": "y > 0 & y < 0.1"}, "of 5 folds have a row"),
        (sd.cv_path, {"folds": "h", "subset": "h == 1"}, "Only 1 of 2 folds"),
        (sd.nested_cv, {}, "goes through rows in memory"),
    ],
)
def test_what_a_scan_cannot_do(door, options, message):
    with pytest.raises((sd.ModelError, sd.DataError), match=message):
        door("y ~ z", data=SCAN, **options)
