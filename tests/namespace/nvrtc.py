"""NVIDIA's compiler of kernels, where its library is installed; it needs no driver and no card.

``pip install nvidia-cuda-nvrtc`` brings it.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from pathlib import Path

#: What kernels are compiled for: an H200 is 9.0.
ARCHITECTURE = "sm_90"


class Compiler:
    """NVRTC."""

    def __init__(self, path: Path) -> None:
        self._library = ctypes.CDLL(str(path))

    def ptx(self, source: str, options: tuple[str, ...] = ()) -> str:
        """Return what a source becomes; what is wrong with it, for the assembler too, is raised."""
        given = [f"--gpu-architecture={ARCHITECTURE}", *options]
        flags = (ctypes.c_char_p * len(given))(*(one.encode() for one in given))
        program, library = ctypes.c_void_p(), self._library
        text = source.encode()
        made = library.nvrtcCreateProgram(ctypes.byref(program), text, b"kernel.cu", 0, None, None)
        assert made == 0, f"NVRTC's error {made}"
        failed = library.nvrtcCompileProgram(program, len(given), flags)
        assert failed == 0, self._text(program, "ProgramLog")
        return self._text(program, "PTX")

    def _text(self, program: ctypes.c_void_p, what: str) -> str:
        size = ctypes.c_size_t()
        getattr(self._library, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
        text = ctypes.create_string_buffer(size.value)
        getattr(self._library, f"nvrtcGet{what}")(program, text)
        return text.value.decode()


@cache
def library() -> Compiler | None:
    """Return NVRTC, or None where it is not installed."""
    for folder in filter(None, sys.path):
        for path in sorted(Path(folder).glob("nvidia/*/lib/libnvrtc.so.[0-9]*")):
            return Compiler(path)
    return None
