"""The inverse of a part of a symmetric matrix, kept while the part changes.

With K = H_AA⁻¹, and a block N joining A, let U = K H_AN and S = H_NN − H_NA U. Then

    H_{A∪N}⁻¹ = [K + U S⁻¹ Uᵀ, −U S⁻¹; −S⁻¹ Uᵀ, S⁻¹],

and where a block R leaves, K_SS − K_SR K_RR⁻¹ K_RS is left of it. A change of k places costs a²k
in matrix products, where a new factorisation costs a³.

Reference: Golub and Van Loan (2013), Matrix Computations, section 2.1.4.
"""

from __future__ import annotations

from typing import Any

from statdl.backend.array import namespace
from statdl.backend.room import roomy
from statdl.errors import NumericalError
from statdl.lazy import lazy

lapack = lazy("scipy.linalg.lapack")

#: A change of more than this share of the places is cheaper from scratch.
SMALL_CHANGE = 0.25
#: A block of which less than this share is its own is not trusted to an update.
OWN_SHARE = 1e-7
JITTER = 1e-11
#: Rows that are updated at a time.
ROWS = 32


class Inverse:
    """H_AA⁻¹ for a set A that changes; A is in the order of ``places``."""

    def __init__(self) -> None:
        self.places: Any = None
        self._room: Any = None

    @property
    def matrix(self) -> Any:
        """The inverse, in the order of ``places``."""
        a = len(self.places)
        return self._room[:a, :a]

    def follow(self, H: Any, active: Any) -> None:
        """Make A the places ``active``, in any order."""
        xp = namespace(H)
        if self.places is None:
            self._anew(H, active)
            return
        inside = xp.zeros(len(H), dtype=bool)
        inside[active] = True
        stays = inside[self.places]
        inside[self.places] = False
        (fresh,) = xp.nonzero(inside)
        leaving = len(stays) - int(xp.sum(stays))
        if leaving + len(fresh) > SMALL_CHANGE * len(active):
            self._anew(H, active)
            return
        if (leaving and not self._leave(stays)) or (len(fresh) and not self._join(H, fresh)):
            self._anew(H, active)

    def _anew(self, H: Any, active: Any) -> None:
        """Compute the inverse from a factor."""
        a = len(active)
        self.places = active.copy()
        self._room = roomy(self._room, (0, 0), (a, a), H)
        part = H if a == len(H) else H[active[:, None], active]
        self._room[:a, :a] = inverted(part)

    def _leave(self, stays: Any) -> bool:
        """Take places out: they go to the end, and then away; False where rounding forbids it."""
        xp, K = namespace(stays), self.matrix
        s = int(xp.sum(stays))
        (late,) = xp.nonzero(stays[s:])
        (early,) = xp.nonzero(~stays[:s])
        late = late + s
        these, those = xp.concat([early, late]), xp.concat([late, early])
        K[these] = K[those]
        K[:, these] = K[:, those]
        self.places[these] = self.places[those]
        strip = K[s:, :s].copy()
        try:
            across = xp.linalg.solve(K[s:, s:], strip)
        except Exception as error:  # each library has a LinAlgError of its own
            if "LinAlgError" not in type(error).__name__:
                raise
            return False
        self.places = self.places[:s]
        self._add(strip.T, across, -1.0)
        return bool(xp.isfinite(across).all())

    def _join(self, H: Any, fresh: Any) -> bool:
        """Border the inverse by a block; False where it is too nearly a combination of others."""
        xp, a, k = namespace(H), len(self.places), len(fresh)
        rows = H[fresh]
        strip = rows[:, self.places]
        across = strip @ self.matrix
        own = rows[:, fresh] - across @ strip.T
        try:
            corner = inverted(own, 0.0)
        except NumericalError:
            return False
        if float(xp.max(xp.diagonal(corner) * xp.diagonal(H)[fresh])) * OWN_SHARE > 1:
            return False
        lower = corner @ across
        self._room = roomy(self._room, (a, a), (a + k, a + k), H)
        self._add(across.T, lower, 1.0)
        self.places = xp.concat([self.places, fresh])
        K = self.matrix
        K[a:, :a], K[:a, a:], K[a:, a:] = -lower, -lower.T, corner
        return True

    def _add(self, left: Any, right: Any, sign: float) -> None:
        """Add ± left right to the inverse, a few rows at a time: memory is what costs."""
        xp, K = namespace(left), self.matrix
        left = sign * left
        for first in range(0, len(K), ROWS):
            rows = slice(first, first + ROWS)
            K[rows] += xp.matmul(left[rows], right)


def inverted(part: Any, jitter: float | None = None) -> Any:
    """Return the inverse of a positive definite matrix, with as much jitter as it takes.

    With ``jitter=0`` none is added.

    Raises
    ------
    NumericalError
        When the matrix is not positive definite.
    """
    xp = namespace(part)
    if not len(part):
        return part
    size = float(xp.max(xp.diagonal(part))) or 1.0
    bump = 0.0
    while bump < size:
        given = part + bump * xp.eye(len(part)) if bump else part
        factor, failed = lapack.dpotrf(given.T, lower=1, clean=0)
        smallest = 0.0 if failed else float(xp.min(xp.diagonal(factor)))
        if not failed and (jitter == 0 or smallest**2 > JITTER * size):
            inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
            lower = xp.tril(inverse, -1)
            return lower + lower.T + xp.diag(xp.diagonal(inverse))
        if jitter == 0:
            break
        bump = 10 * bump or 4 * JITTER * size
    raise NumericalError("The curvature of the lasso's quadratic is not positive.")
