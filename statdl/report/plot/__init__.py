"""Pictures of fits, drawn with matplotlib in one style; each returns the axes it drew on."""

from statdl.lazy import lazy_names

__all__ = lazy_names(__name__)  # those of __init__.pyi
