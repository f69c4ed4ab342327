"""Margins of some models by the Python package marginaleffects: writes margins.json.

    python tests/reference/margins.py

with marginaleffects 0.6, statsmodels and polars < 2. The models are statsmodels'; derivatives are
finite differences there, good for about six digits.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import marginaleffects as me
import pandas as pd
import statsmodels.formula.api as smf
from statsmodels.api import families

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "statdl" / "datasets" / "data"

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
    names = ("term", "contrast", "group", "wool", "cyl", "estimate", "std_error")
    return {name: table[name].to_list() for name in names if name in table.columns}


def main() -> None:
    """Write the file."""
    found: dict[str, Any] = {}
    for name, (data, formula, _) in MODELS.items():
        model, frame = fitted(name)
        asked = {
            "avg_slopes": lambda: me.avg_slopes(model),
            "avg_comparisons": lambda: me.avg_comparisons(model),
            "avg_predictions": lambda: me.avg_predictions(model),
        }
        if name == "lm":
            asked["avg_slopes by cyl"] = lambda: me.avg_slopes(model, variables="wt", by="cyl")
            asked["comparisons sd"] = lambda: me.avg_comparisons(model, variables={"wt": "sd"})
            asked["comparisons 2sd"] = lambda: me.avg_comparisons(model, variables={"wt": "2sd"})
            asked["comparisons iqr"] = lambda: me.avg_comparisons(model, variables={"wt": "iqr"})
            asked["comparisons minmax"] = lambda: me.avg_comparisons(
                model, variables={"wt": "minmax"}
            )
            asked["comparisons pair"] = lambda: me.avg_comparisons(model, variables={"wt": [2, 4]})
            asked["eyex"] = lambda: me.avg_slopes(model, variables="wt", slope="eyex")
            asked["eydx"] = lambda: me.avg_slopes(model, variables="wt", slope="eydx")
            asked["dyex"] = lambda: me.avg_slopes(model, variables="wt", slope="dyex")
            asked["slopes rows"] = lambda: me.slopes(model, variables="wt", newdata=frame.head(5))
        if name == "logit":
            asked["ratio"] = lambda: me.avg_comparisons(
                model, variables="spontaneous", comparison="ratio"
            )
            asked["lnor"] = lambda: me.avg_comparisons(
                model, variables="spontaneous", comparison="lnor"
            )
            asked["lift"] = lambda: me.avg_comparisons(
                model, variables="spontaneous", comparison="lift"
            )
            asked["comparisons rows"] = lambda: me.comparisons(
                model, variables="spontaneous", newdata=frame.head(5)
            )
        if name == "poisson":
            asked["avg_predictions by wool"] = lambda: me.avg_predictions(model, by="wool")
        found[name] = {"data": data, "formula": formula, "answers": {}}
        for question, answer in asked.items():
            found[name]["answers"][question] = numbers(answer())
    document = {"made_by": {"marginaleffects": "0.6.0", "statsmodels": "0.15"}, "models": found}
    (HERE / "margins.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
