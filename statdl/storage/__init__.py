"""Fits as files: one zip of JSON and arrays, without pickle and without rows of the data."""

from __future__ import annotations

from statdl.storage.file import read_fit, write_fit

__all__ = ["read_fit", "write_fit"]
