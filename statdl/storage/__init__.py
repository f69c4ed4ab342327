"""Fits as files: one zip of JSON and arrays, without pickle and without rows of the data."""

from statdl.lazy import lazy_names

__all__ = lazy_names(__name__)  # those of __init__.pyi
