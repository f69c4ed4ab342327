"""Margins of some models by the Python package marginaleffects: writes margins.json.

    python tests/reference/margins.py

with marginaleffects 0.6, statsmodels and polars < 2. The models are statsmodels'; derivatives are
finite differences there, good for about six digits.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import marginaleffects as me
import pandas as pd
import statsmodels.formula.api as smf
from statsmodels.api import families

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "statdl" / "datasets" / "data"

Question = Callable[[Any, pd.DataFrame], Any]
MODELS = {
    "lm": ("mtcars", "mpg ~ wt * hp + cyl", "ols"),
    "logit": ("infert", "case ~ age + spontaneous * parity + education", "logit"),
    "poisson": ("warpbreaks", "breaks ~ wool * tension", "poisson"),
    "multinom": ("iris", "kind ~ Sepal_Width", "mnlogit"),
}


def fitted(name: str) -> tuple[Any, pd.DataFrame]:
    """Return a statsmodels fit and its data."""
    data, formula, kind = MODELS[name]
    frame = pd.read_csv(DATA / f"{data}.csv")
    if data == "mtcars":
        frame["cyl"] = frame["cyl"].astype(str)
        frame = frame.drop(columns="model")
    if data == "warpbreaks":
        frame["tension"] = pd.Categorical(frame["tension"], ["L", "M", "H"])
    for column in frame.select_dtypes("str"):
        frame[column] = frame[column].astype("category")
    if data == "iris":
        frame = frame.rename(columns=lambda column: column.replace(".", "_"))
        frame["kind"] = frame["Species"].astype("category").cat.codes
    if kind == "poisson":
        return smf.glm(formula, frame, family=families.Poisson()).fit(tol=1e-14, maxiter=200), frame
    options = {} if kind == "ols" else {"disp": 0, "method": "newton", "tol": 1e-14, "maxiter": 100}
    return getattr(smf, kind)(formula, frame).fit(**options), frame


def numbers(table: Any) -> dict[str, list[Any]]:
    """Return the columns that say what an estimate is of, and the estimate with its error."""
    names = ("term", "contrast", "group", "wool", "cyl", "wt", "hp", "Sepal_Width")
    names = (*names, "estimate", "std_error")
    return {name: table[name].to_list() for name in names if name in table.columns}


def _comparison(kind: str) -> Question:
    return lambda model, _: me.avg_comparisons(model, variables="spontaneous", comparison=kind)


def _change(change: Any) -> Question:
    return lambda model, _: me.avg_comparisons(model, variables={"wt": change})


def _slope(kind: str) -> Question:
    return lambda model, _: me.avg_slopes(model, variables="wt", slope=kind)


EVERYWHERE: dict[str, Question] = {
    "avg_slopes": lambda model, _: me.avg_slopes(model),
    "avg_comparisons": lambda model, _: me.avg_comparisons(model),
    "avg_predictions": lambda model, _: me.avg_predictions(model),
}
ASKED: dict[str, dict[str, Question]] = {
    "lm": {
        "avg_slopes by cyl": lambda model, _: me.avg_slopes(model, variables="wt", by="cyl"),
        **{f"comparisons {one}": _change(one) for one in ("sd", "2sd", "iqr", "minmax")},
        "comparisons pair": _change([2, 4]),
        **{kind: _slope(kind) for kind in ("eyex", "eydx", "dyex")},
        "set by wt": lambda model, _: me.predictions(model, variables={"wt": [2, 3, 4]}, by="wt"),
        "set by cyl": lambda model, _: me.predictions(model, variables={"wt": [2, 3, 4]}, by="cyl"),
        "set by both": lambda model, _: me.predictions(
            model, variables={"wt": [2, 3]}, by=["wt", "cyl"]
        ),
        "two set by one": lambda model, _: me.predictions(
            model, variables={"wt": [2, 3], "hp": [100, 200]}, by="hp"
        ),
        "slopes rows": lambda model, frame: me.slopes(model, variables="wt", newdata=frame.head(5)),
    },
    "logit": {
        **{kind: _comparison(kind) for kind in ("ratio", "lnor", "lift")},
        "comparisons rows": lambda model, frame: me.comparisons(
            model, variables="spontaneous", newdata=frame.head(5)
        ),
    },
    "poisson": {"avg_predictions by wool": lambda model, _: me.avg_predictions(model, by="wool")},
    "multinom": {
        "set by Sepal_Width": lambda model, _: me.predictions(
            model, variables={"Sepal_Width": [2.5, 3.5]}, by="Sepal_Width"
        ),
    },
}


def main() -> None:
    """Write the file."""
    found: dict[str, Any] = {}
    for name, (data, formula, _) in MODELS.items():
        model, frame = fitted(name)
        asked = {**EVERYWHERE, **ASKED[name]}
        answers = {text: numbers(question(model, frame)) for text, question in asked.items()}
        found[name] = {"data": data, "formula": formula, "answers": answers}
    document = {"made_by": {"marginaleffects": "0.6.0", "statsmodels": "0.15"}, "models": found}
    (HERE / "margins.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
