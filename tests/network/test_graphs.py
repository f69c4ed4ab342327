"""Graphs of a training step: what they ask of the host, and that the tests would see a mistake.

Where there is no card streams that capture are pretended (tests/namespace/pretended_streams.py).
"""

import gc
from collections import Counter

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import statdl as sd
from statdl.backend.array import to_numpy
from statdl.backend.cublas import Products
from statdl.backend.graph import Replay
from statdl.backend.kernels import NUMBERS, rule_kernel
from statdl.model import replay
from statdl.solve.iterate import Outcome
from tests.namespace import host_kernels, pretended_streams
from tests.namespace.pretended_cupy import LEDGER
from tests.places import NOT_PRETENDED, PLACES


@pytest.fixture
def pretended():
    """The pretended CuPy, which captures and counts."""
    if NOT_PRETENDED is not None or host_kernels.COMPILER is None:
        pytest.skip(NOT_PRETENDED or "there is no C++ compiler")
    place = next(one for one in PLACES if one.name == "pretended")
    with place.there():
        yield place


def fit(place, *, batch=8, launch="graph", dtype="float64", rule=None, n=100, **options):
    random = np.random.default_rng(0)
    X = random.normal(size=(n, 3))
    y = (X + random.gumbel(size=X.shape)).argmax(axis=1)
    named = {one: options.pop(one) for one in ("epochs", "products") if one in options}
    method = sd.GradientDescent(
        rule or sd.Adam(0.01), batch=batch, launch=launch, **{"epochs": 10, **named}
    )
    given = {"hidden": (5, 4), "activation": "tanh", "scaling": "none", "seed": 1} | options
    return sd.mlp(
        X=place(X, dtype), y=place(y), family="multinomial", dtype=dtype, method=method, **given
    )


# the same numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [8, 10, 33, 51, 100, None])
@pytest.mark.parametrize("options", [{}, {"skip": True}, {"activation": "identity"}], ids=str)
def test_doubles_agree_to_their_precision(card, batch, options):
    """Full batches of every number, from many to one that is all, with and without a rest."""
    ours, theirs = (fit(card, batch=batch, launch=one, **options) for one in ("graph", "plain"))
    assert_allclose(ours.estimate.parameters, theirs.estimate.parameters, rtol=1e-10, atol=1e-13)
    assert ours.estimate.loss == pytest.approx(theirs.estimate.loss, rel=1e-12)
    for name, values in theirs.history.items():
        assert_allclose(ours.history[name], values, rtol=1e-9)


def test_a_run_is_taken_up_again(card, tmp_path):
    path = tmp_path / "run.npz"
    fit(card, epochs=4, checkpoint=sd.Checkpoint(path))
    assert_array_equal(
        fit(card, epochs=10, resume=path).estimate.parameters, fit(card).estimate.parameters
    )


def test_the_best_epoch_is_kept(card):
    options = {"validation": 0.3, "early_stopping": 3, "epochs": 40, "rule": sd.Adam(0.1)}
    ours, theirs = (fit(card, launch=one, **options) for one in ("graph", "plain"))
    assert_allclose(ours.estimate.parameters, theirs.estimate.parameters, rtol=1e-8)
    assert ours.convergence.iterations == theirs.convergence.iterations < 40


def test_a_network_that_blows_up_says_so(card):
    with pytest.warns(sd.StatdlWarning):
        blown = fit(card, rule=sd.SGD(1e200), activation="relu", hidden=4)
    assert blown.convergence.outcome is Outcome.NON_FINITE
    assert np.isfinite(blown.estimate.parameters).all()


# what the host is asked for --------------------------------------------------------------------


def asked(place, **options):
    """What a fit asks of the host."""
    LEDGER.taken()
    fit(place, decay=0.1, dtype="float32", **options)
    return LEDGER.taken()


@pytest.mark.parametrize("rest", [0, 4])
def test_a_batch_more_is_a_launch_more_and_nothing_else(pretended, rest):
    few, many = (asked(pretended, batch=batch, epochs=3, n=96 + rest) for batch in (48, 8))
    assert many.stops == few.stops
    assert len(many.up) == len(few.up)
    # of 3 epochs of 2 and of 12 full batches one is done call by call, and the others replayed
    assert many.launches - few.launches == 3 * (12 - 2)


@pytest.mark.parametrize("products", ["tf32", "bf16"])
def test_rounded_products_ask_for_nothing_either(pretended, products):
    few, many = (
        asked(pretended, batch=batch, epochs=3, n=96, products=products) for batch in (48, 8)
    )
    assert many.stops == few.stops
    assert len(many.up) == len(few.up)


def test_an_epoch_sends_an_order_and_a_table(pretended):
    two, five = (asked(pretended, epochs=epochs) for epochs in (2, 5))
    order, table = 100, 13 * len(NUMBERS)
    assert Counter(five.up) - Counter(two.up) == {order: 3, table: 3}


# mistakes would be seen ------------------------------------------------------------------------


def test_a_step_counted_by_the_host_is_a_wrong_number(pretended, monkeypatch):
    """The place in the order has to be the card's: a host's is the first batch's for ever."""
    expected = fit(pretended).estimate.parameters
    original = replay.Step.take

    def frozen(step, rule, memory):
        store = step._store
        original(step, rule, memory)
        store.step[...] = 1

    monkeypatch.setattr(replay.Step, "take", frozen)
    assert np.abs(fit(pretended).estimate.parameters - expected).max() > 1e-3


def test_a_rate_of_the_host_is_a_wrong_number(pretended, monkeypatch):
    expected = fit(pretended).estimate.parameters

    def frozen(name, memories):
        def move(g, decayed, numbers, step, *moved):
            rates = (0.01, 0.9, 0.1, 0.999, 0.001, 1e-8, 0.0)
            rule_kernel(name, memories)(g, decayed, *rates, *moved)

        return move

    monkeypatch.setattr(replay, "step_kernel", frozen)
    assert np.abs(fit(pretended).estimate.parameters - expected).max() > 1e-3


def test_without_events_streams_are_out_of_order(pretended, monkeypatch):
    for missing in ("wait_event", "record"):
        with monkeypatch.context() as patch:
            patch.setattr(pretended_streams.Stream, missing, lambda *_: pretended_streams.Event())
            with pytest.raises(AssertionError, match="no event puts two streams in order"):
                fit(pretended)


def test_what_cannot_be_captured_is_refused(pretended):
    one = pretended(np.ones((3, 3)))
    cupy = __import__("cupy")
    refused = {
        "makes an array": lambda: one + one,
        "a number for the host": lambda: float(one[0, 0]),
        "a number of the host": lambda: cupy.asarray(np.ones(3)),
        "waiting": lambda: cupy.cuda.get_current_stream().synchronize(),
        "matmul": lambda: cupy.matmul(one, one, out=one),
    }
    for said, work in refused.items():
        captured = Replay()
        with pytest.raises(sd.DeviceError, match=f"{said}.*leave launch="), captured.beside():
            captured._captured(work)
        assert not captured.stream.is_capturing()


def test_an_interrupt_ends_the_capture(card):
    captured = Replay()

    def interrupted():
        if captured.stream.is_capturing():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), captured.beside():
        captured.run(interrupted, 2)
    assert not captured.stream.is_capturing()
    captured.stream.synchronize()


def test_no_garbage_is_collected_in_a_capture(card):
    captured, collecting = Replay(), []
    with captured.beside():
        captured.run(lambda: collecting.append(gc.isenabled()), 2)
    assert collecting == [True, False]
    assert gc.isenabled()


def test_memory_that_is_given_back_is_missed(pretended):
    captured, total = Replay(), pretended(np.zeros(3))
    with captured.beside():
        lent = [pretended(np.ones(3))]
        captured.run(lambda: np.add(total, lent[0], out=total), 3)
        lent.clear()
        with pytest.raises(AssertionError, match="its memory was given back"):
            captured._graph.launch(captured.stream)
    assert_array_equal(to_numpy(total), 3.0)


def test_work_is_done_once_captured_once_and_replayed(card):
    called, captured, total = [], Replay(), card(np.zeros(3))
    cupy = __import__("cupy")

    def work():
        called.append(captured.stream.is_capturing())
        cupy.add(total, 1.0, out=total)

    for times in (1, 0, 4, 3):
        with captured.beside():
            captured.run(work, times)
    assert called == [False, False, True]
    assert_array_equal(to_numpy(total), 8.0)


def test_products_are_captured_on_their_own_stream(card):
    random = np.random.default_rng(0)
    a, b = (card(random.normal(size=(4, 4)), "float32") for _ in range(2))
    captured = Replay()
    multiply, out = Products("full", captured.stream, a), card(np.zeros((4, 4)), "float32")
    with captured.beside():
        captured.run(lambda: multiply(a, b, out=out), 2)
        out[...] = 0.0
        captured.run(lambda: None, 1)
    assert_allclose(to_numpy(out), to_numpy(a) @ to_numpy(b), rtol=1e-5, atol=1e-6)


def test_a_fit_on_a_stream_of_the_users(card):
    cupy = __import__("cupy")
    with cupy.cuda.Stream(non_blocking=True):
        there = fit(card)
    assert_array_equal(there.estimate.parameters, fit(card).estimate.parameters)
