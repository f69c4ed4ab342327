"""An orthogonal basis of ill-conditioned columns, on which a fit keeps its digits.

    [1 X] = Q R,    η = [1 X] θ = Q γ,    γ = R θ

R comes from QR of R so far and the next rows (Demmel, Grigori, Hoemmen & Langou 2012), and each row
of Q is that of [1 X] times R⁻¹, taken whenever the row is: a triangular solve, which keeps Q R at
[1 X] row by row to ε |Q| |R| (Higham 2002, section 8.1), where Householder's Q keeps it to ε of the
length of a column only. Q has orthogonal columns up to κ ε, which is all that steps in γ ask for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from statdl.backend.array import Array, like, namespace, to_numpy
from statdl.backend.linalg import design_matrix, solve_upper
from statdl.backend.rows import Rows
from statdl.errors import DeviceError
from statdl.estimate.rank import few_entries, triangular_factor
from statdl.model.objective import Objective
from statdl.model.predictor import Linear


def on_basis(objective: Objective) -> tuple[Objective, Array]:
    """Return the objective of γ = R θ and R, on the host: [1 X] = Q R with orthogonal columns Q.

    Their length makes |R| = ±1, so that the determinants of Firth's penalty are those of [1 X].
    """
    rows, intercept = objective.rows, objective.intercept
    rows = rows if rows.passing else in_one_piece(rows)
    R = to_numpy(triangular_factor(rows, intercept))
    R = R / _length(R)
    predictor = Linear(R.shape[0], objective.predictor.outputs, False)
    return replace(objective, predictor=predictor, rows=rows.mapped(Turning(R, intercept))), R


def _length(R: Array) -> float:
    """Return the geometric mean of the diagonal."""
    xp = namespace(R)
    return float(xp.exp(xp.mean(xp.log(xp.abs(xp.linalg.diagonal(R))))))


@dataclass(frozen=True)
class Turning:
    """[1 X] R⁻¹ in the place of X, for each block."""

    R: Array
    intercept: bool

    def __call__(self, rows: Rows) -> Rows:
        """Return the rows on the basis."""
        A = design_matrix(rows.X, self.intercept)
        if not A.shape[0]:  # the form of rows, of which there are none
            return replace(rows, X=A)
        return replace(rows, X=solve_upper(like(self.R, A), A.T, transposed=True).T)


def in_one_piece(rows: Rows) -> Rows:
    """Return rows to factorise: few of them on the host, where a step costs no launches."""
    if few_entries(rows):
        return rows.on_host()
    if rows.streamed:
        raise DeviceError(
            "The columns are nearly dependent, and what then has to be done needs all of them on "
            "the device, which is too small; use device='cpu', or leave columns out."
        )
    return rows.gathered()


def by_output(B: Array, A: Array, q: int) -> Array:
    """Return (I_q ⊗ B) A."""
    xp = namespace(A)
    blocks = xp.reshape(A, (q, B.shape[0], -1))
    return xp.reshape(xp.matmul(B[None, :, :], blocks), (q * B.shape[0], -1))


def congruent_by_output(A: Array, B: Array, q: int) -> Array:
    """Return (I_q ⊗ B) A (I_q ⊗ B)ᵀ."""
    half = by_output(B, A, q)
    return by_output(B, half.T, q)
