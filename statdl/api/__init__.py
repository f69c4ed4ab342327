"""The R-like front doors and verbs."""
