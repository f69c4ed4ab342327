"""Products by cuBLAS itself: how it is called, and how it is found.

Without a card it is a C library that reads columns as cuBLAS does (tests/namespace).
"""

import ctypes
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import statdl as sd
from statdl.backend import cublas
from statdl.backend.array import to_numpy
from tests.namespace import host_kernels, pretended_cublas

#: A matrix (r, c) as it may lie: of its own, as a part of a wider one, and both transposed.
LAYOUTS = {
    "own": lambda at, r, c: at((r, c)),
    "part": lambda at, r, c: at((r, c + 3))[:, 1 : c + 1],
    "transposed": lambda at, r, c: at((c, r)).T,
    "part, transposed": lambda at, r, c: at((c, r + 2))[:, 2:].T,
}
PAIRS = list(itertools.product(LAYOUTS, LAYOUTS))
SIZES = st.integers(1, 9)


def rounded_to(bits, values):
    """Round float32 to so many bits after the leading one, of two as near to the even one."""
    mantissa, exponent = np.frexp(values.astype(float))
    return np.ldexp(np.rint(mantissa * 2.0 ** (bits + 1)), exponent - bits - 1)


def products(precision, like):
    return cublas.Products(precision, cublas.current_stream(), like)


@pytest.mark.parametrize(("one", "other"), PAIRS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_matrices_are_read_however_they_lie(card, one, other, dtype):
    random = np.random.default_rng(0)

    def at(shape):
        return card(random.normal(size=shape), dtype)

    multiply = products("full", at((1, 1)))
    limit = 1e-6 if dtype == "float32" else 1e-14
    for m, n, k in [(4, 3, 5), (1, 3, 5), (4, 1, 5), (4, 3, 1), (1, 1, 7), (6, 1, 1), (1, 1, 1)]:
        a, b = LAYOUTS[one](at, m, k), LAYOUTS[other](at, k, n)
        expected = to_numpy(a) @ to_numpy(b)
        for out in (at((m, n)), at((m, n + 2))[:, 1:-1]):
            assert multiply(a, b, out=out) is out
            np.testing.assert_allclose(to_numpy(out), expected, rtol=limit, atol=limit)


@given(rows=SIZES, columns=SIZES, wider=st.integers(0, 3), turned=st.booleans())
def test_a_layout_finds_every_number(rows, columns, wider, turned):
    """Line by line, as cuBLAS walks: for every shape, also where lines are one number long."""
    held = np.arange(100.0 * 100)[: (rows + 1) * (columns + wider)].reshape(rows + 1, -1)
    matrix = held[:rows, :columns]
    matrix = matrix.T if turned else matrix
    operation, leading = cublas.layout(matrix)
    lines, length = matrix.shape if operation == cublas.AS_IT_LIES else matrix.shape[::-1]
    assert leading >= length
    first = int(matrix[0, 0])
    found = np.array([[first + line * leading + k for k in range(length)] for line in range(lines)])
    if operation == cublas.TRANSPOSED:
        found = found.T
    np.testing.assert_array_equal(found, matrix)


def test_what_does_not_lie_together_is_refused():
    table = np.zeros((6, 6))
    for strange in (table[::2, ::2], np.broadcast_to(table[0], (4, 6)), table[:, ::-1]):
        with pytest.raises(ValueError, match="reads no matrix"):
            cublas.layout(strange)


def test_factors_that_do_not_fit_are_refused(card):
    a, b, c = (card(np.ones(shape), "float32") for shape in ((2, 3), (4, 5), (2, 5)))
    with pytest.raises(ValueError, match="does not fill"):
        products("full", a)(a, b, out=c)
    with pytest.raises(ValueError, match="does not fill"):
        products("full", a)(c.T, a, out=card(np.ones((3, 5)), "float32").T)


@pytest.mark.parametrize(("one", "other"), PAIRS)
@pytest.mark.parametrize(("precision", "bits", "limit"), [("tf32", 10, 3e-3), ("bf16", 7, 1e-6)])
def test_factors_are_rounded_and_sums_are_not(card, one, other, precision, bits, limit):
    """How cuBLAS rounds to TF32 of two as near is its own affair: its limit is that of the bits."""
    random = np.random.default_rng(1)
    a = LAYOUTS[one](lambda shape: card(random.normal(size=shape), "float32"), 11, 300)
    b = LAYOUTS[other](lambda shape: card(random.normal(size=shape), "float32"), 300, 13)
    out = card(np.empty((11, 13)), "float32")
    products(precision, a)(a, b, out=out)
    expected = rounded_to(bits, to_numpy(a)) @ rounded_to(bits, to_numpy(b))
    size = np.abs(expected).max()
    assert np.abs(to_numpy(out) - expected).max() < limit * size
    assert np.abs(to_numpy(out) - to_numpy(a) @ to_numpy(b)).max() > 1e-5 * size


def test_bfloat16_keeps_what_is_not_a_number(card):
    values = np.array([[np.inf, -np.inf, np.nan, 3.4e38, 1e-45, -0.0, 1.00390625]], "float32")
    bits = cublas.rounding_kernel()(card(values, "float32"))
    found = (to_numpy(bits).astype("uint32") << 16).view("float32")[0]
    np.testing.assert_array_equal(found, [np.inf, -np.inf, np.nan, np.inf, 0.0, -0.0, 1.0])


# how it is called -------------------------------------------------------------------------------


class Noted:
    """A library that notes calls, and answers with a status."""

    def __init__(self, status=0):
        self.calls, self.status = [], status

    def __getattr__(self, name):
        def call(*given):
            self.calls.append((name, given))
            return self.status

        return call


def test_the_workspace_comes_after_the_stream_and_before_products(card, monkeypatch):
    library = Noted()
    monkeypatch.setattr(cublas, "library", lambda: library)
    like = card(np.ones((2, 2)), "float32")
    multiply = products("full", like)
    multiply(like, like, out=like)
    names = [name for name, _ in library.calls]
    assert names == [
        "cublasCreate_v2", "cublasSetStream_v2", "cublasSetWorkspace_v2", "cublasGemmEx"
    ]  # fmt: skip
    assert library.calls[1][1][1] == cublas.current_stream().ptr
    assert library.calls[2][1][1] % 16 == 0
    del multiply
    assert library.calls[-1][0] == "cublasDestroy_v2"


@pytest.mark.parametrize(
    ("precision", "dtype", "kinds", "compute"),
    [("full", "float32", (0, 0, 0), 68), ("full", "float64", (1, 1, 1), 70),
     ("tf32", "float32", (0, 0, 0), 77), ("bf16", "float32", (14, 14, 0), 68)],
)  # fmt: skip
def test_types_are_those_of_cublas(card, monkeypatch, precision, dtype, kinds, compute):
    """cudaDataType and cublasComputeType_t of cublas_api.h."""
    library = Noted()
    monkeypatch.setattr(cublas, "library", lambda: library)
    like = card(np.ones((2, 2)), dtype)
    products(precision, like)(like, like, out=card(np.ones((2, 2)), dtype))
    (given,) = (given for name, given in library.calls if name == "cublasGemmEx")
    assert (given[8], given[11], given[15], given[17], given[18]) == (*kinds, compute, -1)


def test_a_refusal_says_what_to_leave_out(card, monkeypatch):
    monkeypatch.setattr(cublas, "library", lambda: Noted(status=1))
    with pytest.raises(sd.DeviceError, match=r"cublasCreate_v2 with status 1; leave launch="):
        products("full", card(np.ones((1, 1))))


# how it is found --------------------------------------------------------------------------------


def test_the_loaded_library_is_asked_for_first(monkeypatch, tmp_path):
    asked = []

    def opened(name):
        asked.append(name)
        raise OSError(name)

    wheel = tmp_path / "nvidia" / "cu13" / "lib"
    wheel.mkdir(parents=True)
    for name in ("libcublas.so.13", "libcublasLt.so.13", "libcublas.so.12"):
        (wheel / name).touch()
    monkeypatch.setattr(cublas.sys, "path", ["", str(tmp_path)])
    monkeypatch.setattr(ctypes, "CDLL", opened)
    with pytest.raises(sd.DeviceError, match=r"cuBLAS of CUDA 13 .*'cupy-cuda13x\[ctk\]'"):
        cublas.opened(13)
    assert asked == ["libcublas.so.13", "cublas64_13.dll", str(wheel / "libcublas.so.13")]


def test_the_version_is_that_of_cupys_cuda(pretended_runtime, monkeypatch):
    monkeypatch.setattr(cublas, "opened", lambda major: f"CUDA {major}")
    assert cublas.library.__wrapped__() == "CUDA 12"
    assert pretended_runtime == ["handle"]


@pytest.fixture
def pretended_runtime(monkeypatch):
    """A CuPy of CUDA 12.9, which loads cuBLAS when it is asked for a handle."""
    asked = []
    runtime = type("Runtime", (), {"runtimeGetVersion": staticmethod(lambda: 12090)})
    members = {
        "get_cublas_handle": staticmethod(lambda: asked.append("handle")),
        "runtime": runtime,
    }
    monkeypatch.setattr(cublas, "cupy", type("Cupy", (), {"cuda": type("Cuda", (), members)}))
    return asked


def test_pointers_keep_all_their_bits():
    """The types of what C takes are told: an address is not cut to an int."""
    if host_kernels.COMPILER is None:
        pytest.skip("there is no C++ compiler")
    library, handle = pretended_cublas.plain(), ctypes.c_void_p()
    assert library.cublasCreate_v2(ctypes.byref(handle)) == 0
    a, b, c = (np.full((2, 2), value, "float32") for value in (2.0, 3.0, 0.0))
    one, zero = ctypes.c_float(1.0), ctypes.c_float(0.0)

    def multiply():
        return library.cublasGemmEx(
            handle, 0, 0, 2, 2, 2, ctypes.byref(one), a.ctypes.data, 0, 2, b.ctypes.data, 0, 2,
            ctypes.byref(zero), c.ctypes.data, 0, 2, 68, -1,
        )  # fmt: skip

    assert multiply() == 3, "without a workspace it would have to take memory"
    assert library.cublasSetWorkspace_v2(handle, c.ctypes.data, 1 << 40) == 0
    assert multiply() == 0
    np.testing.assert_array_equal(c, 12.0)
    assert library.cublasDestroy_v2(handle) == 0


def test_nvidias_own_library_has_the_functions():
    """Its wheel needs no card to be loaded: pip install nvidia-cublas."""
    paths = [path for path in cublas.candidates(13) if "nvidia" in path]
    if not paths:
        pytest.skip("cuBLAS of CUDA 13 is not installed (pip install nvidia-cublas)")
    library = cublas.opened(13)
    assert all(getattr(library, name).argtypes for name in cublas.SIGNATURES)
