"""What users hold: a fit."""

from statdl.lazy import lazy_names

__all__ = lazy_names(__name__)  # those of __init__.pyi
