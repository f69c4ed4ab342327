"""Where model, design and solver meet: a frozen record of what was estimated."""

from statdl.lazy import lazy_names

__all__ = lazy_names(__name__)  # those of __init__.pyi
