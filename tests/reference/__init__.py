"""R's numbers, stored beside the scripts that made them, as a test reads them.

>>> from tests.reference import cases, frame
>>> case = cases("lm")[0]
>>> case["formula"], case["result"]["statistics"]["nobs"]
('mpg ~ wt', 32)
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from statdl import datasets

HERE = Path(__file__).parent
KINDS = (
    "broom",
    "lm",
    "glm",
    "multinom",
    "anova",
    "nist",
    "nnet",
    "terasvirta",
    "covariance",
    "influence",
    "specification",
    "firth",
    "pictures",
)


@cache
def cases(kind: str) -> tuple[dict[str, Any], ...]:
    """Return the cases of one JSON file; README.md beside this file says what each holds."""
    return tuple(json.loads((HERE / f"{kind}.json").read_text(encoding="utf-8"))["cases"])


@cache
def groups(kind: str) -> dict[str, list[dict[str, Any]]]:
    """Return the cases of a file that has several groups of them, such as "inference"."""
    return json.loads((HERE / f"{kind}.json").read_text(encoding="utf-8"))


def ids(kind: str) -> list[str]:
    """Return the names of the cases, for ``pytest.mark.parametrize(..., ids=...)``."""
    return [case["id"] for case in cases(kind)]


def frame(case: dict[str, Any]) -> pd.DataFrame:
    """Return the data of a case: a shipped set, or the columns written in the case."""
    if "columns" not in case:
        return datasets.load(case["data"])
    return _with_levels(pd.DataFrame(case["columns"]), case["levels"])


def new_frame(case: dict[str, Any]) -> pd.DataFrame:
    """Return the rows that the case predicts."""
    return pd.DataFrame(case["newdata"])


def arguments(case: dict[str, Any]) -> dict[str, Any]:
    """Return what the model is called with besides formula and data: only what the case sets."""
    keys = ("weights", "offset", "subset")
    return {key: case[key] for key in keys if case.get(key) is not None}


def numbers(values: Any) -> np.ndarray:
    """Return a list of the file as floats, with NaN where R has NA."""
    return np.asarray(values, dtype=float)


def in_our_words(label: str) -> str:
    """Return R's label of a coefficient or term without its spaces, and its Intercept as ours."""
    return label.replace("(Intercept)", "Intercept").replace(" ", "")


def without_brackets(label: str) -> str:
    """Return our label of a coefficient as R writes it: ``cyl[T.6]`` as ``cyl6``."""
    sums = {f"S.{letter}": str(k) for k, letter in enumerate("ABC", start=1)}
    plain = re.sub(r"\[(?:T\.)?([^]]*)\]", lambda part: sums.get(part[1], part[1]), label)
    return in_our_words(plain)


def _with_levels(data: pd.DataFrame, levels: dict[str, list[str]]) -> pd.DataFrame:
    factors = {name: pd.Categorical(data[name], categories=levels[name]) for name in levels}
    return data.assign(**factors)
