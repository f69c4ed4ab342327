"""Effective degrees of freedom along a path.

df = tr((H + Λ)⁻¹ H) over the coefficients A that are not 0, less those of the intercepts: H is the
curvature of the loss and Λ that of the penalty at the solution,

    λ (1 − α) κ f                        of the ridge part,
    λ α f (I − b bᵀ/‖b‖²) / ‖b‖          of a group b (none of a group of one).

It is the divergence of the fit: the number of coefficients of a lasso (Zou, Hastie and Tibshirani
2007), less where a ridge part or a group shrinks. Of the K coefficients of a column K − 1 count at
most, since classes can be shifted together. Where more columns than rows are in, the same trace is
that of K (I + K)⁻¹, K = W½ X̃ Λ⁻¹ X̃ᵀ W½.

Reference: Vaiter, Deledalle, Fadili, Peyré and Dossal (2017), Ann. Inst. Stat. Math. 69, 791.
"""

from __future__ import annotations

from typing import Any

from statdl.backend.array import like, namespace, to_numpy
from statdl.estimate.path import PathEstimate, scaled_problem
from statdl.lazy import lazy
from statdl.solve.screening import Problem

np = lazy("numpy")


def effective_df(path: PathEstimate) -> Any:
    """Return the effective degrees of freedom at every λ, intercepts not counted, (L,)."""
    used = path.coefficients != 0
    classes = path.family.name == "multinomial"
    most = used.shape[2] - 1 if classes else used.shape[2]
    counts = np.minimum(used.sum(axis=2), most).sum(axis=1).astype(float)
    if path.penalties.alpha == 1 and path.penalties.groups is None and not path.penalties.grouped:
        return counts
    scaled = scaled_problem(path)
    known: dict[bytes, Any] = {}
    for k, strength in enumerate(path.strengths):
        if strength == 0 or not used[k].any():
            continue
        spectrum = _spectrum(path, scaled.problem, scaled.centre, k, known)
        if spectrum is not None:
            counts[k] = float(np.sum(spectrum / (spectrum + strength / path.unit)))
        else:
            counts[k] = _trace(path, scaled.problem, scaled.centre, k)
    return counts


def _spectrum(
    path: PathEstimate, problem: Problem, centre: Any, k: int, known: dict[bytes, Any]
) -> Any:
    """Return eigenvalues of H relative to Λ/λ, where these say all: a ridge of one response.

    None where there are groups or columns without penalty, or few columns of another loss.
    """
    (places,) = np.nonzero(path.coefficients[k, :, 0])
    n = path.shape[0]
    one = path.coefficients.shape[2] == 1 and problem.shrinkage.units is None
    quadratic = path.family.quadratic
    if not one or path.penalties.alpha == 1 or (path.factors[places] == 0).any():
        return None
    if not quadratic and len(places) <= n:
        return None
    key = places.tobytes()
    if quadratic and key in known:
        return known[key]
    d = problem.loss.curvature(_eta(path, problem, centre, k))[0]
    wide = len(places) > n
    found = (_of_rows if wide else _of_columns)(problem, places, d)
    known[key] = np.maximum(np.linalg.eigvalsh(found), 0.0)
    return known[key]


def _of_columns(problem: Problem, places: Any, d: Any) -> Any:
    """Return H in units in which Λ/λ is I; columns are centred by what the intercept explains."""
    columns = problem.columns.taken(places)
    H = to_numpy(columns.cross(columns, d[:, 0]))
    if problem.intercept:
        mean = to_numpy(columns.inner(d))
        H = H - mean @ mean.T / float(namespace(d).sum(d))
    unit = np.sqrt(problem.shrinkage.ridge(1.0)[places, 0])
    return H / unit[:, None] / unit


def _of_rows(problem: Problem, places: Any, d: Any) -> Any:
    """Return the (n, n) matrix of the same eigenvalues, and zeros."""
    columns, xp = problem.columns.taken(places), namespace(d)
    unit = like(problem.shrinkage.ridge(1.0)[places], d)
    eye = xp.eye(d.shape[0], dtype=d.dtype, device=d.device)
    K = columns.outer(columns.inner(eye) / unit)
    if problem.intercept:
        K = K - K @ d / xp.sum(d)
        K = K - d.T @ K / xp.sum(d)
    root = xp.sqrt(d)
    return to_numpy(root * K * root.T)


def _eta(path: PathEstimate, problem: Problem, centre: Any, k: int) -> Any:
    """Return η of the rows at a λ."""
    B = path.coefficients[k]
    eta = problem.columns.outer(like(B * path.scale[:, None], problem.template))
    if problem.intercept:
        eta = eta + like(path.intercepts[k] + centre @ B, problem.template)
    return eta if problem.offset is None else eta + problem.offset


def _trace(path: PathEstimate, problem: Problem, centre: Any, k: int) -> float:
    """Return tr((H + Λ)⁻¹ H) less the intercepts."""
    strength, first = path.strengths[k] / path.unit, int(problem.intercept)
    B = path.coefficients[k] * path.scale[:, None]
    p, q = B.shape
    (places,) = np.nonzero((B != 0).any(axis=1))
    columns = problem.columns.taken(places, ones=bool(first))
    parts = [
        np.concatenate([np.arange(first), first + np.flatnonzero(B[places, j])]).astype(int)
        for j in range(q)
    ]
    H = to_numpy(columns.curvature(parts, *problem.loss.curvature(_eta(path, problem, centre, k))))
    # coordinates run output by output, an intercept first; those of intercepts have place p
    own = np.concatenate(
        [np.concatenate([np.full(first, p), places]).astype(int)[at] for at in parts]
    )
    output = np.repeat(np.arange(q), [len(at) for at in parts])
    inner = own < p
    curvature = np.zeros_like(H)
    ridge = problem.shrinkage.ridge(strength)
    at = (own[inner], output[inner])
    curvature[inner, inner] = ridge[at]
    if problem.shrinkage.units is not None:
        curvature[np.ix_(inner, inner)] += _curvature_of_groups(problem, strength, B, at)
    held = curvature + _shifts(H, own, path)
    kept = np.linalg.solve(H + held + 1e-14 * np.diag(np.diag(H)), H)
    heads = first * (q - (path.family.name == "multinomial"))
    return float(np.trace(kept)) - heads


def _curvature_of_groups(problem: Problem, strength: float, B: Any, at: tuple[Any, Any]) -> Any:
    """Return λ α f (I − b bᵀ/‖b‖²) / ‖b‖ of the groups."""
    shrinkage: Any = problem.shrinkage
    units, b = shrinkage.units[at], B[at]
    length, weight = shrinkage.norms(B)[at], shrinkage.lasso(strength)[at]
    same = units[:, None] == units
    rate = weight / length
    return np.diag(rate) - same * rate[:, None] * (b[:, None] * b) / length[:, None] ** 2


def _shifts(H: Any, own: Any, path: PathEstimate) -> Any:
    """Return what holds still where classes can be shifted together, which changes no fit."""
    if path.family.name != "multinomial":
        return np.zeros_like(H)
    free = np.append(path.factors == 0, True)[own]
    same = (own[:, None] == own) & free[:, None] & free
    return same * (np.trace(H) / len(H))
