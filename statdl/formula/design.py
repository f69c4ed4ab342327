"""What a fit keeps of a formula: terms, names and levels, and how to encode new data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from statdl.backend.array import Array


@dataclass(frozen=True)
class Term:
    """A term of the formula and the columns of X that it owns.

    ``name`` is in the user's spelling, such as ``wt``, ``factor(cyl)`` or ``a:b``; ``factors``
    are its parts, so that ``a`` is marginal to ``a:b`` because {a} is within {a, b}.
    """

    name: str
    factors: frozenset[str]
    columns: tuple[int, ...]


@dataclass(frozen=True)
class Response:
    """What is modelled.

    ``kind`` is one of

    * ``"numeric"``: ``values`` (n,) floating, ``levels`` empty;
    * ``"categorical"``: ``values`` (n,) integer codes into ``levels``, the first the reference;
    * ``"counts"``: ``values`` (n, K) floating, ``levels`` the K column labels.

    ``truth`` tells of numbers that they were truth values, which are of two classes.
    """

    name: str
    kind: str
    values: Array
    levels: tuple[Any, ...] = ()
    truth: bool = False


@dataclass(frozen=True)
class NewData:
    """New data in the coding of a design: X (m, p), offset (m,) or None, labels, and the frame."""

    X: Array
    offset: Array | None = None
    index: Any = None
    source: Any = None


class Recipe(Protocol):
    """How a design was made, and so how it encodes new data."""

    def needed(self) -> tuple[str, ...]:
        """Return the columns of new data that are needed."""
        ...

    def encode(self, new: Any) -> NewData:
        """Return ``new`` in the coding of the training data."""
        ...

    def check(self, design: Design) -> None:
        """Raise unless this can have made ``design``: for designs that come from a file."""
        ...


@dataclass(frozen=True)
class Design:
    """The right side of a model, remembered: everything that encoding new data needs.

    ``formula`` is the user's text (None for arrays); ``names`` has one entry a column of X,
    which never holds the intercept; ``levels`` gives the levels of each factor.
    """

    formula: str | None
    intercept: bool
    terms: tuple[Term, ...]
    names: tuple[str, ...]
    levels: Mapping[str, tuple[Any, ...]]
    recipe: Recipe = field(repr=False, compare=False)

    @property
    def coefficient_names(self) -> tuple[str, ...]:
        """Names of the coefficients: "Intercept", where there is one, and the columns."""
        return ("Intercept", *self.names) if self.intercept else self.names

    def encode(self, new: Any) -> NewData:
        """Return new data in the coding of the training data.

        Only the columns of the predictors and of formula offsets are needed. Rows with a missing
        value stay, as rows with NaN. Transforms such as ``poly`` and ``scale`` use what they
        learned in training.

        Raises
        ------
        DataError
            For a missing column, an unseen level, or a column of another type than in training.
        """
        return self.recipe.encode(new)


class Recoder(Protocol):
    """Re-encodes the data of one model frame with another default contrast."""

    def __call__(self, contrast: str) -> tuple[Design, Array]:
        """Return the new design and X."""
        ...


@dataclass(frozen=True)
class ModelFrame:
    """Data ready for a fit: design, X (n, p), response, and what is aligned with their rows.

    ``rows`` are the positions of the kept rows in the data given, None when all were kept;
    ``index`` their labels where the data have labels; ``dropped`` counts the rows that
    ``na_action`` left out; ``source`` is the frame given, None for arrays.
    """

    design: Design
    X: Array
    response: Response
    weights: Array | None = None
    offset: Array | None = None
    rows: Array | None = None
    index: Any = None
    dropped: int = 0
    source: Any = None
    recoder: Recoder | None = field(default=None, repr=False, compare=False)

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])

    def recode(self, contrast: str = "sum") -> ModelFrame:
        """Return the same rows with every factor coded by ``contrast``.

        Factors whose contrast the formula names keep it. Contrasts that sum to zero are what
        Type III tests need.
        """
        if self.recoder is None:
            return self
        design, X = self.recoder(contrast)
        return replace(self, design=design, X=X)
