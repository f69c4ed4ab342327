"""A pretended cuBLAS: a C library of the same functions, which multiplies memory of the host.

It reads matrices down their columns, as cuBLAS does, refuses what cuBLAS refuses, and rounds
factors as its compute types do. :class:`Recorded` lets graphs capture its calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from statdl.backend import cublas
from tests.namespace import host_kernels
from tests.namespace.pretended_streams import Stream, submit

SOURCE = """
#include <cstdint>
#include <cstdlib>
#include <cstring>

static float of_bits(uint32_t bits) { float x; memcpy(&x, &bits, 4); return x; }
static uint32_t bits_of(float x) { uint32_t bits; memcpy(&bits, &x, 4); return bits; }

static double at(const void* values, int kind, int compute, long place) {
  if (kind == 1) return ((const double*)values)[place];
  if (kind == 14) return of_bits((uint32_t)((const uint16_t*)values)[place] << 16);
  float x = ((const float*)values)[place];
  return compute == 77 ? of_bits((bits_of(x) + 0x1000) & 0xFFFFE000) : x;
}

struct Handle { void* stream; void* workspace; size_t bytes; };

extern "C" int cublasCreate_v2(void** handle) { *handle = calloc(1, sizeof(Handle)); return 0; }
extern "C" int cublasDestroy_v2(void* handle) { free(handle); return 0; }
extern "C" int cublasSetStream_v2(void* handle, void* stream) {
  *(Handle*)handle = {stream, nullptr, 0};
  return 0;
}
extern "C" int cublasSetWorkspace_v2(void* handle, void* workspace, size_t bytes) {
  ((Handle*)handle)->workspace = workspace;
  ((Handle*)handle)->bytes = bytes;
  return 0;
}
extern "C" int cublasGemmEx(
    void* handle, int turn_a, int turn_b, int m, int n, int k,
    const void* alpha, const void* A, int a_kind, int lda, const void* B, int b_kind, int ldb,
    const void* beta, void* C, int c_kind, int ldc, int compute, int algorithm)
{
  if (!((Handle*)handle)->bytes) return 3;  // it would have to take memory
  if (lda < (turn_a ? k : m) || ldb < (turn_b ? n : k) || ldc < m || algorithm != -1) return 7;
  const bool doubles = compute == 70;
  if (!doubles && compute != 68 && compute != 77) return 15;
  if (a_kind != b_kind || (c_kind == 1) != doubles || (a_kind == 1) != doubles) return 15;
  const double one = doubles ? *(const double*)alpha : *(const float*)alpha;
  const double old = doubles ? *(const double*)beta : *(const float*)beta;
  for (long j = 0; j < n; ++j)
    for (long i = 0; i < m; ++i) {
      double sum = 0;
      for (long l = 0; l < k; ++l)
        sum += at(A, a_kind, compute, turn_a ? i * lda + l : l * lda + i)
             * at(B, b_kind, compute, turn_b ? l * ldb + j : j * ldb + l);
      const long place = j * ldc + i;
      sum *= one;
      if (old != 0) sum += old * (doubles ? ((double*)C)[place] : ((float*)C)[place]);
      if (doubles) ((double*)C)[place] = sum; else ((float*)C)[place] = (float)sum;
    }
  return 0;
}
"""


@cache
def plain() -> Any:
    """Return the library as :func:`statdl.backend.cublas.opened` opens it."""
    path = str(host_kernels.built(SOURCE))
    before = cublas.candidates
    cublas.candidates = lambda major: iter([path])
    try:
        return cublas.opened(13)
    finally:
        cublas.candidates = before


class Recorded:
    """The library, whose products are done on the stream of their handle."""

    def __init__(self) -> None:
        self.stream: dict[int, int] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(plain(), name)

    def cublasSetStream_v2(self, handle: Any, stream: int) -> int:
        self.stream[handle.value] = stream
        return plain().cublasSetStream_v2(handle, stream)

    def cublasGemmEx(self, handle: Any, *given: Any) -> int:
        from tests.namespace.pretended_cupy import LEDGER

        stream = Stream.known[self.stream[handle.value]]
        LEDGER.launches += stream.graph is None
        return submit(plain().cublasGemmEx, handle, *given, stream=stream) or 0


LIBRARY = Recorded()


@contextmanager
def installed() -> Iterator[None]:
    """Let it be the library that is found."""
    before = cublas.library
    cublas.library = lambda: LIBRARY
    try:
        yield
    finally:
        cublas.library = before
