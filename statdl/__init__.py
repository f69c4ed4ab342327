"""statdl: from statistics to deep learning, in one language.

A model is a **family** on η, a **predictor** that produces η, and a **penalty**; a **solver**
minimises the penalised negative log-likelihood; a **fit** remembers; **verbs** interrogate it.
"""

from statdl.lazy import lazy_names

__version__ = "0.1.0"
__all__ = lazy_names(__name__)  # those of __init__.pyi
