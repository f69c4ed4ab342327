"""Networks on blocks are the networks in memory, and so is training, epoch by epoch."""

import gc
import threading
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

import statdl as sd
from statdl.scan import rows as scanned
from statdl.scan.sample import Sample
from statdl.scan.split import held_out
from tests.scan.data import assert_same, drawn
from tests.scan.sources import pandas, parquet, partitions

GD = sd.GradientDescent
MODELS = {
    "y ~ x + z": None,
    "y ~ x + g": None,
    "k ~ x + z + g": "binomial",
    "f ~ x + z": "multinomial",
    "c ~ z + factor(h) + offset(0.1*z)": "poisson",
}


def both(formula, frame, scan, **asked):
    asked = {"hidden": 2, "seed": 1, **asked}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [sd.mlp(formula, data=data, **asked) for data in (frame, scan)]


def assert_same_fit(here, there, tolerance=1e-10):
    assert_same(there.estimate.loss, here.estimate.loss, 1e-10, "loss")
    assert_same(there.estimate.parameters, here.estimate.parameters, tolerance)
    assert there.nobs == here.nobs
    assert there.convergence.outcome is here.convergence.outcome


@settings(max_examples=6, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
@example("k ~ x + z + g", (1, 24), 1, "newton", "w", "standard")
@example("y ~ x + z", (1, 30), 2, "lbfgs", "w", "standard")
@given(
    formula=st.sampled_from(sorted(MODELS)),
    size=st.sampled_from(((7, 40), (33, 80), (1000, 80))),
    seed=st.integers(0, 1000),
    method=st.sampled_from(("newton", "gauss-newton", "lbfgs")),
    weights=st.sampled_from((None, "w")),
    scaling=st.sampled_from(("standard", "minmax")),
)
def test_blocks_give_the_network_in_memory(formula, size, seed, method, weights, scaling):
    rows, n = size
    frame = drawn(n, seed)
    asked = {"family": MODELS[formula], "decay": 0.5, "weights": weights, "scaling": scaling}
    here, there = both(formula, frame, pandas(frame, None, rows), method=method, **asked)
    assert_same_fit(here, there, 1e-10 if method == "newton" else 1e-5)
    assert_same(there.plan.spread, here.plan.spread, of="spread")
    assert there.convergence.passes > there.convergence.iterations


TRAININGS = {
    "adam": {"method": GD(sd.Adam(0.01), batch=32, epochs=4), "weights": "w", "decay": 0.1},
    "dropout": {"method": GD(sd.AdamW(0.01), batch=7, epochs=3), "dropout": 0.2},
    "noise": {"method": GD(sd.Momentum(0.01), batch=50, epochs=4, clip=0.1), "noise": 0.1},
    "l1": {"method": GD(sd.Adam(0.01), batch=50, epochs=4), "l1": 0.01},
    "schedule": {"method": GD(sd.SGD(), batch=16, epochs=3, schedule=sd.Steps((1,)))},
    "all rows": {"method": GD(sd.Adam(0.01), epochs=4), "offset": "z"},
    "batch norm": {"method": GD(sd.Adam(0.01), batch=32, epochs=3), "normalisation": "batch"},
    "weight norm": {
        "method": GD(sd.Nesterov(0.01), batch=32, epochs=3),
        "normalisation": "weight",
        "metrics": ("mae",),
    },
    "fixed": {"method": GD(sd.Adam(0.01), batch=32, epochs=3), "fixed": {"x -> h1": 0.5}},
}


@pytest.mark.parametrize("more", TRAININGS.values(), ids=TRAININGS)
def test_training_is_that_in_memory_step_for_step(more):
    """Rows that fit one portion have the order of rows in memory, whatever their blocks."""
    frame = drawn(230, 3)
    watched = frame.dropna()[:40]
    here, there = both("y ~ x + g", frame, pandas(frame, None, 37), validation=watched, **more)
    # a bias before batch normalisation does nothing, and Adam makes steps of its rounding
    assert_same_fit(here, there, 1e-6 if "normalisation" in more else 1e-10)
    for column in here.history:
        assert_same(there.history[column], here.history[column], of=column)


def test_an_epoch_is_a_pass():
    frame = drawn(200, 4, missing=False)
    scan = pandas(frame, None, 30)
    few, many = (
        sd.mlp("y ~ x + z", data=scan, hidden=2, method=GD(sd.Adam(0.01), batch=32, epochs=n))
        for n in (1, 6)
    )
    assert many.convergence.passes - few.convergence.passes == 5
    assert few.convergence.passes <= 4  # inputs, the response, an epoch


@pytest.mark.parametrize("formula", ["y ~ x + g", "k ~ x + g", "f ~ x + g"])
def test_regressions_by_batches(formula):
    frame = drawn(230, 5)
    steps = GD(sd.Adam(0.05), batch=32, epochs=3, seed=0)
    model = {"y": sd.lm, "k": sd.glm, "f": sd.multinom}[formula[0]]
    family = {"family": "binomial"} if formula[0] == "k" else {}
    found = []
    for data in (frame, pandas(frame, None, 41)):
        with pytest.warns(sd.ConvergenceWarning):
            found.append(model(formula, data=data, method=steps, weights="w", **family))
    assert_same(found[1].params, found[0].params)
    assert_same(found[1].estimate.trace.loss, found[0].estimate.trace.loss, of="trace")


@pytest.mark.parametrize("source", [pandas, parquet])
def test_an_epoch_has_every_row_once_in_an_order_of_its_own(tmp_path, monkeypatch, source):
    monkeypatch.setattr(scanned, "PORTION_BYTES", 8 * 5 * 64)
    frame = drawn(300, 6, missing=False).assign(y=np.arange(300.0))
    rows = sd.lm("y ~ x + z", data=source(frame, tmp_path, 23)).estimate.specification.rows
    orders = []
    for epoch in (0, 1):
        parts = list(rows.portions(16, 0, epoch))
        assert [part.n % 16 for part, _ in parts[:-1]] == [0] * (len(parts) - 1)
        assert len(parts) > 2
        orders.append(np.concatenate([part.y[order, 0] for part, order in parts]))
        assert sorted(orders[-1]) == list(range(300))
    assert orders[0].tolist() != orders[1].tolist()
    again = np.concatenate([part.y[order, 0] for part, order in rows.portions(16, 0, 0)])
    assert again.tolist() == orders[0].tolist()


def test_more_rows_than_a_portion_learn_as_well(tmp_path, monkeypatch):
    frame = drawn(500, 7)
    asked = {"hidden": 3, "method": GD(sd.Adam(0.02), batch=32, epochs=15), "weights": "w"}
    here, _ = both("y ~ x + z + g", frame, frame, **asked)
    monkeypatch.setattr(scanned, "PORTION_BYTES", 8 * 7 * 128)
    scan = parquet(frame, tmp_path, 41)
    there, again = both("y ~ x + z + g", scan, scan, **asked)
    assert there.estimate.parameters.tolist() == again.estimate.parameters.tolist()
    assert there.estimate.loss < 1.03 * here.estimate.loss


def test_all_rows_at_once_are_a_sum_over_pieces(monkeypatch):
    frame = drawn(300, 8)
    asked = {"method": GD(sd.Adam(0.01), epochs=4), "decay": 0.1, "weights": "w"}
    here, _ = both("y ~ x + g", frame, frame, **asked)
    monkeypatch.setattr("statdl.model.portion.LARGEST_BATCH", 32)
    monkeypatch.setattr(scanned, "PORTION_BYTES", 8 * 6 * 64)
    there, _ = both("y ~ x + g", pandas(frame, None, 50), frame, **asked)
    assert_same_fit(here, there)
    assert_same(there.history["loss"], here.history["loss"])


# rows held out --------------------------------------------------------------------------------


def test_a_share_is_the_same_rows_in_blocks_of_any_size(tmp_path):
    frame = drawn(200, 9)
    asked = {"hidden": 2, "validation": 0.25, "method": GD(sd.Adam(0.01), batch=16, epochs=3)}
    fits = [sd.mlp("k ~ x + g", data=pandas(frame, None, rows), family="binomial", **asked)
            for rows in (11, 37, 1000)]  # fmt: skip
    assert len({fit.nobs for fit in fits}) == 1
    for fit in fits[1:]:
        assert_same(fit.history, fits[0].history)
    out = held_out(0, 0, len(frame), 0.25, 0)
    kept = frame[~out].dropna(subset=["x", "g"])
    assert fits[0].nobs == len(kept)
    assert 0.15 < out.mean() < 0.35
    watched = frame[out].dropna(subset=["x", "g"])
    same = sd.mlp("k ~ x + g", data=kept, family="binomial", **{**asked, "validation": watched})
    assert_same(same.history, fits[0].history)


def test_row_groups_in_any_order_hold_out_the_same_rows(tmp_path, monkeypatch):
    frame = drawn(300, 10, missing=False).assign(y=np.arange(300.0))
    rows = sd.lm("y ~ x", data=parquet(frame, tmp_path, 17)).estimate.specification.rows
    learned, watched = rows.split(0.3, 5)
    inside = {float(y) for part in watched.blocks(1) for y in part.y[:, 0]}
    monkeypatch.setattr(scanned, "PORTION_BYTES", 8 * 4 * 32)
    outside = [float(y) for part, _ in learned.portions(8, 0, 0) for y in part.y[:, 0]]
    assert not inside & set(outside)
    assert len(inside) + len(outside) == 300


def test_early_stopping_watches_another_scan():
    frame, other = drawn(300, 11), drawn(200, 12, missing=False)
    asked = {"early_stopping": 2, "method": GD(sd.Adam(0.05), batch=16, epochs=60)}
    here = sd.mlp("k ~ x + g", data=frame, family="binomial", validation=other, **asked)
    for given_ in (pandas(other, None, 33), pl.from_pandas(other).lazy()):
        there = sd.mlp(
            "k ~ x + g", data=pandas(frame, None, 50), family="binomial", validation=given_, **asked
        )
        assert_same_fit(here, there)
        assert there.convergence.outcome.name == "EARLY"
        assert_same(there.history, here.history)


def test_rows_to_watch_may_be_too_many_for_memory(monkeypatch):
    frame = drawn(200, 13)
    scan = pandas(frame, None, 50)
    asked = {"hidden": 2, "validation": 0.3, "method": GD(sd.Adam(0.01), batch=16, epochs=3)}
    here = sd.mlp("y ~ x + g", data=scan, **asked)
    monkeypatch.setattr(scanned, "GATHERED_BYTES", 0)
    there = sd.mlp("y ~ x + g", data=scan, **asked)
    assert_same(there.history, here.history)


# what comes after -----------------------------------------------------------------------------


def test_inference_is_that_in_memory(tmp_path):
    frame = drawn(250, 14)
    scan = pandas(frame, None, 37)
    here, there = both("k ~ x + z + g", frame, scan, family="binomial", decay=0.2)
    assert str(there.summary()) == str(here.summary())
    for covariance in ({}, {"vcov": "HC1"}, {"cluster": "firm"}):
        assert_same(there.confint(what="weights", **covariance),
                    here.confint(what="weights", **covariance), 1e-8)  # fmt: skip
    assert_same(there.confint(), here.confint(), 1e-8, "effects")
    assert_same(there.prsquared, here.prsquared)
    complete = frame.dropna()
    path = there.predict(newdata=pandas(complete, None, 11), to=tmp_path / "p.parquet")
    assert_same(pd.read_parquet(path)["fit"], here.predict(newdata=complete))
    with pytest.raises(sd.ModelError, match="predict\\(newdata=scan, to="):
        there.fitted()


def test_starts_walk_down_together():
    frame = drawn(150, 15)
    here, there = both("y ~ x + g", frame, pandas(frame, None, 40), decay=0.5, restarts=3)
    assert_same_fit(here, there, 1e-6)
    assert_same(there.restarts, here.restarts, 1e-6)
    assert there.convergence.passes < 400


@pytest.mark.parametrize("method", ["lbfgs", GD(sd.Adam(0.01), batch=16, epochs=2)])
def test_partitions_are_summed_where_they_are(tmp_path, method):
    pytest.importorskip("dask.dataframe")
    frame = drawn(120, 23)
    scan = partitions(frame, tmp_path, 1000)
    asked = {"family": "binomial", "decay": 0.5, "weights": "w", "method": method}
    here, there = both("k ~ x + g", frame, scan, **asked)
    assert_same_fit(here, there, 1e-6)
    if method != "lbfgs":
        split = [
            sd.mlp("k ~ x + g", data=data, family="binomial", method=method, validation=0.3)
            for data in (scan, scan)
        ]
        assert_same(split[1].history, split[0].history)


def test_separation_is_found_by_a_sample_that_grows(monkeypatch):
    monkeypatch.setattr(Sample, "room", 250)
    frame = drawn(600, 26, missing=False)
    frame["k"] = (frame.x > 100).astype(float)
    here, there = both("k ~ x", frame, pandas(frame, None, 50), family="binomial", hidden=1)
    assert there.convergence.outcome.name == here.convergence.outcome.name == "SEPARATION"
    frame.loc[frame.x.nlargest(20).index[::2], "k"] = 0.0
    frame.loc[frame.x.nsmallest(20).index[::2], "k"] = 1.0
    here, there = both("k ~ x", frame, pandas(frame, None, 50), family="binomial", hidden=1)
    assert there.converged
    assert here.converged


def test_a_run_is_taken_up_again(tmp_path):
    frame = drawn(150, 16)
    scan, path = pandas(frame, None, 40), tmp_path / "run.npz"
    asked = {"hidden": 2, "checkpoint": path}
    whole = sd.mlp("y ~ x", data=scan, **{**asked, "method": GD(sd.Adam(0.01), 16, epochs=5)})
    sd.mlp("y ~ x", data=scan, **{**asked, "method": GD(sd.Adam(0.01), 16, epochs=2)})
    again = sd.mlp("y ~ x", data=scan, **asked, method=GD(sd.Adam(0.01), 16, epochs=5), resume=True)
    assert again.estimate.parameters.tolist() == whole.estimate.parameters.tolist()
    other = pandas(drawn(150, 17), None, 40)
    with pytest.raises(sd.ModelError, match="checksum of the data"):
        sd.mlp("y ~ x", data=other, **asked, method=GD(sd.Adam(0.01), 16, epochs=5), resume=True)


def test_without_hidden_layers_it_is_the_regression():
    frame = drawn(120, 18)
    here = sd.glm("k ~ x + g", data=frame, family="binomial")
    there = sd.mlp("k ~ x + g", data=pandas(frame, None, 30), family="binomial", hidden=())
    assert_same(there.params, here.params)


def test_a_network_starts_from_another():
    frame = drawn(150, 19)
    first = sd.mlp("y ~ x", data=frame, hidden=2, decay=0.5)
    here, there = both("y ~ x + z", frame, pandas(frame, None, 40), start=first, decay=0.5)
    assert_same_fit(here, there, 1e-8)


# what is refused ------------------------------------------------------------------------------


class Unread:
    """A source that says when it is read."""

    def __init__(self, source):
        self.source = source

    def __getattr__(self, name):
        assert name in ("names", "here"), f"{name}: rows were read"
        return getattr(self.source, name)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"method": GD(sd.Adam(0.1), batch=100_000)}, "a batch has at most 32768 rows"),
        ({"method": GD(sd.Adam(0.1)), "normalisation": "batch"}, "give batch=, such as 1024"),
        ({"method": "lbfgs", "validation": 0.2}, "validation cannot be had with L-BFGS"),
        ({"method": "newton", "dropout": 0.2}, "dropout cannot be had with Newton"),
        ({"validation": 1.5}, "validation=1.5 is no share"),
        ({"method": "lbgfs"}, "Did you mean 'lbfgs'"),
        ({"weights": np.ones(50)}, "weights= of a scan is a column"),
        ({"early_stopping": True}, "say which with validation="),
    ],
)
def test_the_impossible_is_refused_before_anything_is_read(asked, words):
    scan = pandas(drawn(50, 20), None, 10)
    with pytest.raises(sd.StatdlError, match=words):
        sd.mlp("y ~ x + g", data=replace(scan, source=Unread(scan.source)), hidden=2, **asked)


def test_rows_to_watch_that_do_not_fit_say_why():
    frame = drawn(80, 21, missing=False)
    scan = pandas(frame, None, 30)
    steps = {"hidden": 2, "method": GD(sd.Adam(0.01), batch=16, epochs=1)}
    other = frame.copy()
    other.loc[3, "g"] = "new"
    with pytest.raises(sd.DataError, match="levels that the rows of the fit lack"):
        sd.mlp("y ~ x + g", data=scan, validation=pandas(other, None, 9), **steps)
    with pytest.raises(sd.DataError, match="classes that the rows of the fit lack"):
        sd.mlp("g ~ x", data=scan, family="multinomial", validation=pandas(other, None, 9), **steps)
    with pytest.raises(sd.DataError, match="lack the columns `g`"):
        sd.mlp("y ~ x + g", data=scan, validation=pandas(frame[["x", "y"]], None, 9), **steps)
    with pytest.raises(sd.DataError, match="missing values: `x`"):
        sd.mlp("y ~ x", data=scan, validation=pandas(drawn(80, 1), None, 9), **steps)
    with pytest.raises(sd.DataError, match="in blocks are for"):
        sd.mlp("y ~ x", data=frame, validation=scan, **steps)
    rare = frame.assign(k=[1.0] + [0.0] * 79)
    with pytest.raises(sd.DataError, match=r"leaves the .* rows without class"):
        sd.mlp("k ~ x", data=pandas(rare, None, 9), family="binomial", validation=0.1, **steps)
    with pytest.raises(sd.DataError, match=r"No row of the rows held out of a table"):
        sd.mlp("y ~ x", data=pandas(frame[:9], None, 9), validation=1e-9, **steps)


def test_more_rows_a_batch_than_there_are():
    with pytest.raises(sd.DataError, match="batch=64 is more than the 50 rows"):
        sd.mlp("y ~ z", data=pandas(drawn(50, 22), None, 9), method=GD(sd.Adam(0.1), batch=64))


def test_rows_that_change_between_epochs_end_the_run_and_its_readers():
    frame = drawn(300, 24, missing=False)
    tables = [pa.Table.from_pandas(frame[:n], preserve_index=False) for n in (*(300,) * 5, 280)]

    def opened():
        return (tables.pop(0) if len(tables) > 1 else tables[0]).to_reader()

    before = threading.active_count()
    steps = GD(sd.Adam(0.01), batch=16, epochs=9)
    with pytest.raises(sd.DataError, match="had 300 rows in its first pass and 280 now"):
        sd.mlp("y ~ x", data=sd.scan(opened), hidden=2, method=steps)
    gc.collect()
    assert threading.active_count() <= before


def test_a_fit_is_saved_without_its_rows(tmp_path):
    frame = drawn(100, 25)
    fit = sd.mlp("y ~ x", data=pandas(frame, None, 40), hidden=2, decay=0.5)
    fit.save(tmp_path / "net.statdl")
    again = sd.load(tmp_path / "net.statdl")
    assert_same(again.estimate.parameters, fit.estimate.parameters)
    assert_same(again.predict(frame[:9]), fit.predict(frame[:9]))
