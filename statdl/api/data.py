"""What every front door reads first: a formula with data, or X with y."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from statdl.errors import ModelError
from statdl.formula import ModelFrame, array_frame, model_frame
from statdl.scan.frame import scan_frame
from statdl.scan.opening import as_scan, is_lazy


def read(arguments: Mapping[str, Any], classes: bool = False) -> ModelFrame:
    """Read formula and data, or X and y.

    ``classes`` tells whether the model looks at which values the response of a scan has.
    """
    shared = {name: arguments[name] for name in ("weights", "offset", "subset", "na_action")}
    formula, data = arguments["formula"], arguments["data"]
    X, y = arguments["X"], arguments["y"]
    if (X is None) != (y is None):
        raise ModelError(f"X= and y= go together; {'X' if X is None else 'y'} is missing.")
    if X is not None:
        if formula is not None or data is not None:
            raise ModelError("Give a formula with data=, or X= with y=, not both.")
        own = {"names": arguments["names"], "intercept": arguments["intercept"]}
        return array_frame(X, y, **own, **shared)
    if formula is None:
        raise ModelError("Give a formula and data=, or X= and y=.")
    if isinstance(data, str) and not isinstance(formula, str):
        raise ModelError(f"The formula comes first, then the data: ({data!r}, data=...).")
    if data is None:
        raise ModelError(f"The formula {formula!r} needs data=: a frame with its columns.")
    if arguments["names"] is not None or not arguments["intercept"]:
        raise ModelError("names= and intercept= are for X= and y=; in a formula write '- 1'.")
    if is_lazy(data):
        return scan_frame(formula, as_scan(data), **shared, classes=classes)
    return model_frame(formula, data, **shared)
