"""Data larger than memory: rows that are read in blocks, pass after pass.

A :class:`~statdl.scan.source.Scan` describes where rows are; a first pass learns what a formula
needs to know of all of them; and :class:`~statdl.scan.rows.ScannedRows` are rows like any other,
whose sums are taken while the next block is read, or where the blocks are.
"""
