"""Coverage of de-biased lasso intervals, simulated: ``python -m benchmarks.debiased``.

Rows are normal with equal correlations of 0.3; 3 coefficients are 1 and all others 0. λ of the
lasso is by 10-fold cross-validation, by both of its rules, "min" and "1se". Covered is counted
apart for the coefficients that are 0 and those that are not; beside it stands what intervals of the
post-lasso refit cover of the latter, as if nothing had been chosen: a coefficient that was not
chosen is not covered.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

import statdl as sd
from benchmarks import machine, readme

LEVEL, ACTIVE = 0.95, 3
CASES = (
    ("gaussian", 100, 40),
    ("gaussian", 100, 150),
    ("binomial", 300, 40),
)


def drawn(family: str, n: int, p: int, seed: int) -> tuple[Any, Any, Any]:
    """Return X, y and β."""
    rng = np.random.default_rng(seed)
    X = np.sqrt(0.7) * rng.standard_normal((n, p)) + np.sqrt(0.3) * rng.standard_normal((n, 1))
    beta = np.zeros(p)
    beta[:ACTIVE] = 1.0
    eta = X @ beta
    if family == "gaussian":
        return X, eta + rng.standard_normal(n), beta
    return X, (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float), beta


RULES = ("min", "1se")


def covered(family: str, n: int, p: int, seed: int) -> dict[str, dict[str, Any]]:
    """Return which coefficients are covered by each kind of interval, for each rule."""
    X, y, beta = drawn(family, n, p, seed)
    cv = sd.cv_path(X=X, y=y, family=family, progress=False, seed=seed, n_lambda=50)
    return {rule: _covered(cv, cv.lambda_(rule), beta) for rule in RULES}


def _covered(cv: Any, lambda_: float, beta: Any) -> dict[str, Any]:
    table = cv.path.debiased(lambda_, level=LEVEL)
    low, high = (table[name] for name in list(table.columns)[-2:])
    inside = (low <= beta) & (beta <= high)
    limits = cv.path.refit(lambda_).conf_int(1 - LEVEL)
    naive = [
        name in limits.index and bool(limits.loc[name, 0] <= 1 <= limits.loc[name, 1])
        for name in (f"x{j + 1}" for j in range(ACTIVE))
    ]
    return {"active": inside[:ACTIVE], "zero": inside[ACTIVE:], "refit": naive}


def main(repetitions: int = 200) -> None:
    """Simulate, and write what was covered."""
    records = []
    for family, n, p in CASES:
        found = [covered(family, n, p, seed) for seed in range(repetitions)]
        setting = {"family": family, "n": n, "p": p, "repetitions": repetitions, "level": LEVEL}
        for rule in RULES:
            shares = {
                kind: float(np.mean([np.mean(one[rule][kind]) for one in found]))
                for kind in ("active", "zero", "refit")
            }
            records.append({**setting, "rule": rule, **shares})
            print(records[-1])
    document = {"machine": machine.facts(), "cases": records}
    path = readme.RESULTS / "debiased.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
