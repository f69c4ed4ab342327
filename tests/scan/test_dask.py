"""Dask as the engine: sums are taken where partitions are; a lost worker changes nothing."""

import os
import signal
import threading
import time

import numpy as np
import pandas as pd
import pytest

import statdl as sd

dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")


def drawn(n=40_000, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.standard_normal((n, 3)), columns=["a", "b", "c"])
    frame["g"] = rng.choice(["u", "v", "w"], n)
    eta = frame.a - 0.5 * frame.b + (frame.g == "v")
    frame["y"] = (rng.uniform(size=n) < 1 / (1 + np.exp(-eta))).astype(float)
    frame["firm"] = rng.integers(0, 50, n)
    return frame


@pytest.fixture(scope="module")
def cluster():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as made,
        distributed.Client(made) as client,
    ):
        yield client


def test_two_processes_give_the_fit_in_memory(cluster):
    frame = drawn()
    there = sd.glm(
        "y ~ a + b + g", data=sd.scan(dd.from_pandas(frame, npartitions=7)), family="binomial"
    )
    here = sd.glm("y ~ a + b + g", data=frame, family="binomial")
    np.testing.assert_allclose(there.params, here.params, rtol=1e-10)
    np.testing.assert_allclose(there.bse, here.bse, rtol=1e-10)
    np.testing.assert_allclose(there.vcov("HC1"), here.vcov("HC1"), rtol=1e-9)
    by_firm = there.vcov(cluster="firm")
    np.testing.assert_allclose(by_firm, here.vcov(cluster="firm"), rtol=1e-9)


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_changes_no_digit(cluster):
    def slow(part):
        time.sleep(0.1)  # so that there is something to interrupt
        return part

    frame = dd.from_pandas(drawn(), npartitions=8).map_partitions(slow)
    whole = sd.glm("y ~ a + b", data=frame, family="binomial")
    before = set(cluster.run(os.getpid).values())
    timer = threading.Timer(1.0, os.kill, (min(before), signal.SIGKILL))
    timer.start()
    found = sd.glm("y ~ a + b", data=frame, family="binomial")
    timer.join()
    assert set(cluster.run(os.getpid).values()) != before, "no worker was lost"
    assert found.params.to_list() == whole.params.to_list()
    assert found.bse.to_list() == whole.bse.to_list()
    assert found.convergence.passes == whole.convergence.passes


def test_empty_partitions_have_nothing_to_say():
    frame = drawn(300)
    parts = dd.from_pandas(frame, npartitions=4)
    emptied = parts[parts.a > 1.0]
    expected = sd.lm("b ~ c + g", data=frame[frame.a > 1.0])
    found = sd.lm("b ~ c + g", data=dd.concat([parts[parts.a > 99], emptied]))
    np.testing.assert_allclose(found.params, expected.params, rtol=1e-10)
