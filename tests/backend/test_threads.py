"""One thread while somebody asks for it, and afterwards as many as before."""

import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

import statdl as sd
from statdl.backend.threads import one_thread

libraries = ThreadpoolController().select(user_api="blas")


def counts() -> list[int]:
    return [library["num_threads"] for library in libraries.info()]


@pytest.fixture
def two_threads():
    with libraries.limit(limits=2):
        if counts()[0] != 2:
            pytest.skip("The linear algebra library has one thread.")
        yield


@pytest.mark.usefixtures("two_threads")
def test_only_inside_and_only_where_wanted():
    with one_thread():
        assert set(counts()) == {1}
        with one_thread():
            pass
        assert set(counts()) == {1}
    assert set(counts()) == {2}
    with one_thread(wanted=False):
        assert set(counts()) == {2}


@pytest.mark.usefixtures("two_threads")
def test_an_error_ends_it():
    with pytest.raises(ZeroDivisionError), one_thread():
        _ = 1 / 0
    assert set(counts()) == {2}


@pytest.mark.usefixtures("two_threads")
def test_several_threads_leave_the_library_as_it_was():
    began, leave = threading.Event(), threading.Event()

    def other() -> None:
        with one_thread():
            began.set()
            leave.wait(10)

    with one_thread():
        thread = threading.Thread(target=other)
        thread.start()
        assert began.wait(10)
        assert set(counts()) == {1}
    leave.set()
    thread.join()
    assert set(counts()) == {2}


@pytest.mark.usefixtures("two_threads")
def test_a_path_leaves_the_library_as_it_was():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 5))
    sd.path(X=X, y=X @ np.arange(5.0) + rng.standard_normal(60))
    assert set(counts()) == {2}
