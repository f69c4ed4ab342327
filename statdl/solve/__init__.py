"""Optimisation without statistics: one loop, one algorithm a file."""
