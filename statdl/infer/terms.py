"""What each term of a regression adds to its linear predictor."""

from __future__ import annotations

from collections.abc import Sequence

from statdl.backend.array import Array, like, namespace
from statdl.backend.shortage import device_errors
from statdl.errors import ModelError
from statdl.estimate import Estimate
from statdl.formula import Term
from statdl.infer.covariance import covariance_root
from statdl.infer.predict import Prediction, output_labels


@device_errors()
def term_contributions(estimate: Estimate, X: Array, *, se_fit: bool) -> Prediction:
    """Return Σ_j (x_j − x̄_j) β_jk over the columns j of each term, for each output k.

    Columns are centred at their means in the data, so that η = constant + Σ terms. Shapes: X (m, p)
    → (m, terms · q), one output after the other, with standard errors of the same shape.
    """
    if estimate.specification.plan is not None:
        raise ModelError("A network does not add up from terms; use effects() or type='link'.")
    design = estimate.frame.design
    first = int(design.intercept)
    X = like(X, estimate.specification.rows.template)
    xp = namespace(X)
    beta = estimate.to_device(estimate.full(estimate.parameters, missing=0.0))
    roots = estimate.to_device(_full_root(estimate))
    means = estimate.to_device(estimate.totals.means)
    centre = means if design.intercept else xp.zeros_like(means)
    fits, errors = [], []
    for k in range(estimate.outputs):
        for term in design.terms:
            columns = _columns(term, X)
            block = xp.take(X - centre, columns, axis=1)
            fits.append(block @ xp.take(beta[:, k], columns + first))
            half = block @ xp.take(roots[k, :, :], columns + first, axis=0)
            errors.append(xp.sqrt(xp.sum(half * half, axis=1)))
    return Prediction(
        _side_by_side(fits, X),
        _side_by_side(errors, X) if se_fit else None,
        labels=_labels(estimate),
        constant=tuple(
            float(centre @ beta[first:, k]) + (float(beta[0, k]) if first else 0.0)
            for k in range(estimate.outputs)
        ),
    )


def _labels(estimate: Estimate) -> tuple[str, ...]:
    """Return the names of the terms, of several outputs with that of the output."""
    names = tuple(term.name for term in estimate.frame.design.terms)
    outputs = output_labels(estimate)
    return tuple(f"{output}: {name}" for output in outputs for name in names) or names


def _side_by_side(columns: Sequence[Array], X: Array) -> Array:
    """Return columns as a matrix with the rows of X, which there may be no column of."""
    xp = namespace(X)
    if not columns:
        return xp.zeros((X.shape[0], 0), dtype=X.dtype, device=X.device)
    return xp.stack(columns, axis=1)


def _columns(term: Term, X: Array) -> Array:
    xp = namespace(X)
    return xp.asarray(list(term.columns), dtype=xp.int64, device=X.device)


def _full_root(estimate: Estimate) -> Array:
    """Return the covariance root with rows of 0 where not estimable, (q, m, P), on the host."""
    own = covariance_root(estimate)
    xp = namespace(own)
    kept = [j for j, keep in enumerate(estimate.kept) if keep]
    rank = own.shape[1]
    root = xp.zeros((estimate.outputs, len(estimate.kept), rank))
    root[:, kept, :] = xp.reshape(own, (estimate.outputs, len(kept), rank))
    return root
