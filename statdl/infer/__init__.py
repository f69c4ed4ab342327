"""Inference: pure functions of an estimate."""
