"""Results as pages: sections of prose, tables and pictures in one HTML file that needs no other."""

from statdl.lazy import lazy_names

__all__ = lazy_names(__name__)  # those of __init__.pyi
