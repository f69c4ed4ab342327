"""What transforms remember, learned from sums instead of from all rows at once.

``scale``, ``center`` and ``standardize`` need a mean and a sum of squares, which blocks add up to
by the update of Chan, Golub & LeVeque (1983). ``poly`` needs the three-term recurrence

    P_{k+1} = (x − α_k) P_k − β_k P_{k−1},   α_k = Σ x P_k² / Σ P_k²,   β_k = Σ P_k² / Σ P_{k−1}²,

of the polynomials orthogonal over the rows. With L the Legendre polynomials on the range of x and
L = Q R by blocks (Demmel, Grigori, Hoemmen & Langou 2012), multiplication by x is M in the columns
of L and the tridiagonal R M R⁻¹ in those of Q, whose entries are α and √β: as exact as one QR of
all rows. Splines and ``legendre`` take the range of all rows, and the splines' knots are quantiles
of an even sample of them; with m rows in the sample a knot is off by about ½/√m in rank.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from statdl.formula.expression import Expression
from statdl.lazy import lazy

code = lazy("formulaic.utils.code")

SCALES = frozenset(("scale", "standardize", "center"))
REMEMBERING = SCALES | frozenset(("poly", "legendre", "bs", "ns", "cr", "cc", "cs"))


@dataclass(frozen=True)
class Call:
    """A call of a transform within an expression, its state under ``key`` of the expression's."""

    expression: Expression
    node: ast.Call

    @property
    def name(self) -> str:
        """The transform."""
        assert isinstance(self.node.func, ast.Name)
        return self.node.func.id

    @property
    def key(self) -> str:
        """Where formulaic keeps the state."""
        return str(code.format_expr(self.node)).replace('"', r'\\\\"')

    @property
    def place(self) -> tuple[str, str]:
        """What tells the call from others."""
        return self.expression.text, self.key

    @property
    def argument(self) -> Expression:
        """What is transformed."""
        one = self.expression
        return Expression(one.text, ast.unparse(self.node.args[0]), one.columns)

    @property
    def settings(self) -> dict[str, Any]:
        """The other arguments by name; those by position after the first as 1, 2, …."""
        given = {str(k): ast.literal_eval(v) for k, v in enumerate(self.node.args[1:], start=1)}
        named = {str(k.arg): ast.literal_eval(k.value) for k in self.node.keywords}
        return given | named

    @property
    def exact(self) -> bool:
        """Whether its state is made of sums."""
        return self.name in SCALES or (self.name == "poly" and not self.raw)

    @property
    def raw(self) -> bool:
        """Whether this is ``poly(raw=True)``, which remembers nothing."""
        return self.name == "poly" and bool(self.settings.get("raw", self.settings.get("2", False)))

    @property
    def degree(self) -> int:
        """The degree of a polynomial."""
        return int(self.settings.get("degree", self.settings.get("1", 1)))


def calls(expression: Expression) -> Iterator[Call]:
    """Yield the calls that remember something, those inside of others first."""
    tree = ast.parse(expression.code, mode="eval")
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in REMEMBERING
    ]
    for node in reversed(found):
        call = Call(expression, node)
        if not call.raw:
            yield call


@dataclass(frozen=True)
class Moments:
    """Number, mean, sum of squares about the mean, and range of some values."""

    n: int
    mean: float
    squares: float
    low: float
    high: float

    @classmethod
    def of(cls, x: Any) -> Moments:
        """Return those of a vector with entries."""
        mean = float(x.mean())
        mean += float((x - mean).mean())  # what rounding left
        return cls(len(x), mean, float(((x - mean) ** 2).sum()), float(np.min(x)), float(np.max(x)))

    def __add__(self, other: Moments) -> Moments:
        n, gap = self.n + other.n, other.mean - self.mean
        return Moments(
            n,
            self.mean + gap * other.n / n,
            self.squares + other.squares + gap * gap * self.n * other.n / n,
            min(self.low, other.low),
            max(self.high, other.high),
        )


def scaled_state(call: Call, found: Moments) -> dict[str, Any]:
    """Return the state of ``scale`` and its relatives."""
    settings = call.settings
    centre = settings.get("center", settings.get("1", True)) if call.name != "center" else True
    spread = settings.get("scale", settings.get("2", True)) if call.name != "center" else False
    ddof = settings.get("ddof", settings.get("3", 0 if call.name == "standardize" else 1))
    if "rescale" in settings:
        spread = settings["rescale"]
    middle = found.mean if centre is True else None if centre is False else float(centre)
    about = found.mean if middle is None else found.mean - middle
    about = found.mean if centre is False else about
    squares = found.squares + found.n * about * about
    width = np.sqrt(squares / (found.n - ddof)) if found.n > ddof else np.float64("nan")
    return {
        "ddof": ddof,
        "center": None if middle is None else np.float64(middle),
        "scale": width if spread is True else None if spread is False else np.array(spread),
    }


def legendre_factor(x: Any, found: Moments, degree: int) -> Any:
    """Return R of the Legendre polynomials of some values, on the range of all."""
    middle, half = _frame(found)
    return np.linalg.qr(np.polynomial.legendre.legvander((x - middle) / half, degree), mode="r")


def stacked_factor(one: Any, other: Any) -> Any:
    """Return R of the rows of both."""
    return np.linalg.qr(np.concatenate([one, other]), mode="r")


def polynomial_state(R: Any, found: Moments, degree: int) -> dict[str, Any]:
    """Return the state of ``poly`` from R of the Legendre polynomials of all rows."""
    middle, half = _frame(found)
    M = np.zeros((degree + 1, degree))
    for k in range(degree):
        M[k + 1, k] = (k + 1) / (2 * k + 1)
        if k:
            M[k - 1, k] = k / (2 * k + 1)
    J = np.linalg.solve(R[:degree, :degree].T, (R @ M).T).T
    norms = [float(found.n)]
    for k in range(degree):
        norms.append(norms[-1] * float(half * J[k + 1, k]) ** 2)
    return {
        "alpha": {k: np.float64(middle + half * J[k, k]) for k in range(degree)},
        "norms2": {k: np.float64(norm) for k, norm in enumerate(norms)},
    }


def _frame(found: Moments) -> tuple[float, float]:
    half = (found.high - found.low) / 2
    return (found.high + found.low) / 2, half if half > 0 else 1.0


class _Unordered(ast.NodeTransformer):
    """Takes ``relevel`` off: a block may lack the level that is to be the first."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        named = isinstance(node.func, ast.Name) and node.func.id == "relevel"
        return node.args[0] if named and node.args else node


def unordered(expression: Expression) -> Expression:
    """Return an expression whose factors have their levels in any order.

    Examples
    --------
    >>> unordered(Expression("relevel(g, 'b')", "relevel(_0, 'b')", ("g",))).code
    '_0'
    """
    if "relevel" not in expression.code:
        return expression
    tree = _Unordered().visit(ast.parse(expression.code, mode="eval").body)
    return Expression(expression.text, ast.unparse(tree), expression.columns)
