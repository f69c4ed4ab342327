"""The likelihood: families on η, predictors that produce η, penalties, and their sum."""

from statdl.lazy import lazy_names

__all__ = lazy_names(__name__)  # those of __init__.pyi
