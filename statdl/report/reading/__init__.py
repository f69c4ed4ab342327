"""Results in sentences: what the numbers say, and no more than they say."""

from statdl.lazy import lazy_names

__all__ = lazy_names(__name__)  # those of __init__.pyi
