"""What statdl on a card is measured beside: PyTorch there, other packages on the host.

PyTorch's are the straightforward implementations: the formulas in whole-array operations, with the
constant column added outside the timed part.
"""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import peers
from benchmarks.card import Task
from benchmarks.data import with_constant

PYTORCH = "PyTorch"
NEWTON_STEPS = 25


def pytorch(task: Task) -> Callable[[], Any] | None:
    """Return a straightforward fit on the card, or None where PyTorch or its card is missing."""
    if importlib.util.find_spec("torch") is None:
        return None
    torch: Any = importlib.import_module("torch")
    if not torch.cuda.is_available():
        return None
    X, y = torch.from_dlpack(task.X), torch.from_dlpack(task.y)
    X = torch.cat([torch.ones_like(X[:, :1]), X], dim=1)
    form = {"lm": _lm, "logit": _logit, "softmax": _softmax}[task.kind]

    def fit() -> Any:
        found = form(torch, X, y, task.classes)
        torch.cuda.synchronize()
        return found

    return fit


def _lm(torch: Any, X: Any, y: Any, _: int) -> Any:
    gram = X.T @ X
    factor = torch.linalg.cholesky(gram)
    beta = torch.cholesky_solve((X.T @ y)[:, None], factor)[:, 0]
    residuals = y - X @ beta
    variance = residuals @ residuals / (X.shape[0] - X.shape[1])
    errors = torch.sqrt(variance * torch.diagonal(torch.cholesky_inverse(factor)))
    return beta.cpu().numpy(), errors.cpu().numpy()


def _logit(torch: Any, X: Any, y: Any, _: int) -> Any:
    beta = torch.zeros(X.shape[1], dtype=X.dtype, device=X.device)
    for _step in range(NEWTON_STEPS):
        mean = torch.sigmoid(X @ beta)
        hessian = (X * (mean * (1 - mean))[:, None]).T @ X
        step = torch.linalg.solve(hessian, X.T @ (y - mean))
        beta = beta + step
        if float(step.abs().max()) < 1e-8:
            break
    return beta.cpu().numpy(), torch.sqrt(torch.diagonal(torch.linalg.inv(hessian))).cpu().numpy()


def _softmax(torch: Any, X: Any, y: Any, classes: int) -> Any:
    m, q = X.shape[1], classes - 1
    own = torch.nn.functional.one_hot(y.long(), classes)[:, 1:].to(X.dtype)
    beta = torch.zeros((m, q), dtype=X.dtype, device=X.device)
    zero = torch.zeros_like(X[:, :1])
    for _step in range(NEWTON_STEPS):
        mean = torch.softmax(torch.cat([zero, X @ beta], dim=1), dim=1)[:, 1:]
        gradient = (X.T @ (own - mean)).T.reshape(-1)
        hessian = torch.empty((q * m, q * m), dtype=X.dtype, device=X.device)
        for j in range(q):
            for k in range(j, q):
                weight = mean[:, j] * (float(j == k) - mean[:, k])
                block = (X * weight[:, None]).T @ X
                hessian[j * m : (j + 1) * m, k * m : (k + 1) * m] = block
                hessian[k * m : (k + 1) * m, j * m : (j + 1) * m] = block
        step = torch.linalg.solve(hessian, gradient)
        beta = beta + step.reshape(q, m).T
        if float(step.abs().max()) < 1e-8:
            break
    return beta.cpu().numpy(), torch.sqrt(torch.diagonal(torch.linalg.inv(hessian))).cpu().numpy()


def on_host(task: Task, seconds: float) -> dict[str, dict[str, float]]:
    """Time scikit-learn and statsmodels on the part of the rows, once each while time is left.

    ``extrapolated_s`` is for all rows, in proportion: what they do is linear in the rows.
    """
    X, y = task.host_part()
    data = with_constant(X, y)
    contenders = {"lm": peers.lm, "logit": peers.logit, "softmax": peers.softmax}[task.kind](data)
    found, begun = {}, time.perf_counter()
    for contender in sorted(contenders, key=lambda one: one.name):
        if time.perf_counter() - begun > seconds:
            break
        took = contender.sample()[0]
        found[contender.name] = {
            "rows": len(X), "seconds": took, "extrapolated_s": took * task.n / len(X)
        }  # fmt: skip
    return found


def largest_difference(one: Any, other: Any) -> float:
    """Return the largest difference of two fits' numbers, relative to the larger of them."""
    pairs = ((one.params, other.params), (one.bse, other.bse), (one.llf, other.llf))
    return max(
        float(np.max(np.abs(np.asarray(a) - np.asarray(b)) / np.max(np.abs(np.asarray(b)))))
        for a, b in pairs
    )
