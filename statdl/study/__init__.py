"""Experiments over many fits: resampling, comparison, choice of a model."""
