"""Nested cross-validation: the error of a model whose λ is itself chosen by cross-validation.

The least cross-validated error is too good, for λ was chosen to make it small. Here the rows of an
outer fold are predicted by a model that has not seen them, and whose λ was chosen, by
cross-validation, without them (Varma and Simon 2006, BMC Bioinformatics 7, 91).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from statdl.estimate.path import PathEstimate, path_of_sample
from statdl.estimate.sample import Sample
from statdl.report import DataTable
from statdl.study.path import each, measured, validate


def nested_table(
    path: PathEstimate,
    fold: Any,
    *,
    folds: int,
    rule: str,
    measure: str,
    seed: int,
    progress: bool,
    workers: int,
) -> DataTable:
    """Return the error, λ and number of coefficients of every outer fold, and their means.

    ``fold`` is the outer fold of each row, ``folds`` the number of inner ones.
    """
    names: Sequence[int] = range(int(fold.max()) + 1)
    sample = path.sample
    assert isinstance(sample, Sample)

    def judged(name: int) -> tuple[float, float, int]:
        inner = _path_of(path, sample.take(np.flatnonzero(fold != name)))
        found = validate(inner, measure, folds, seed, progress=False)
        place = found.best if rule == "min" else found.simplest
        test = sample.take(np.flatnonzero(fold == name))
        error = float(measured(inner.at(place), test, measure)[0])
        return error, float(inner.strengths[place]), int(inner.df[place])

    bar = "outer folds" if progress else ""
    errors, chosen, counts = zip(*each(judged, names, workers, bar), strict=True)
    spread = float(np.std(errors, ddof=1)) / math.sqrt(len(errors))
    return DataTable(
        "outer fold",
        (*(str(name) for name in names), "mean", "std err"),
        {
            measure: [*errors, float(np.mean(errors)), spread],
            "lambda": [*chosen, None, None],
            "nonzero": [*counts, None, None],
        },
        title="Nested cross-validation",
        notes=("Rows of a fold are predicted by a model whose lambda was chosen without them.",),
    )


def _path_of(path: PathEstimate, sample: Sample) -> PathEstimate:
    """Return the path of some rows, on a grid of its own where none was given."""
    return path_of_sample(path.specification, sample, path.family, path.penalties, path.grid)
