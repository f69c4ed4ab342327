"""From terms and values to the columns of X by formulaic, and new data encoded alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from statdl.backend.array import Array
from statdl.errors import DataError, FormulaError
from statdl.formula.design import Design, NewData, Term
from statdl.formula.evaluation import evaluate
from statdl.formula.expression import Expression, argument
from statdl.formula.frame import Frame, open_frame
from statdl.formula.suggest import listing
from statdl.formula.terms import Parsed, parse
from statdl.formula.values import Column, Factor, Value, as_factor, number
from statdl.lazy import lazy

pd = lazy("pandas")
formulaic = lazy("formulaic")
formulaic_transforms = lazy("formulaic.transforms")
formulaic_types = lazy("formulaic.parser.types")

#: Codings of factors whose contrast the formula does not name.
CONTRASTS = ("treatment", "sum")
#: What a column can hold.
KINDS = ("numbers", "truth values", "factor")
#: Transforms that learn a basis of a space which, with an intercept, does not depend on the rows.
BASES_OF_A_SPACE = ("center(", "scale(", "standardize(", "poly(", "legendre(")
#: formulaic's literal for the intercept, spelled so that no column has its name.
_INTERCEPT = "(1)"


def learned(design: Design, but_space: bool = False) -> bool:
    """Tell whether columns, offset or response hold what transforms learned from the rows.

    Levels of factors apart. With ``but_space`` a basis does not count of a space that is the same
    for all rows, such as that of ``poly(x, 2)`` by the side of an intercept.

    Examples
    --------
    >>> import statdl as sd
    >>> design = sd.lm("mpg ~ poly(wt, 2)", data=sd.datasets.load("mtcars")).estimate.frame.design
    >>> learned(design), learned(design, but_space=True)
    (True, False)
    """
    state = getattr(design.recipe, "state", {})
    alone = {name for term in design.terms if len(term.factors) == 1 for name in term.factors}
    crossed = {name for term in design.terms if len(term.factors) > 1 for name in term.factors}
    for text, found in state.items():
        basis = len(found) == 1 and text.startswith(BASES_OF_A_SPACE) and text in alone - crossed
        if found and not (but_space and design.intercept and basis):
            return True
    return False


@dataclass(frozen=True)
class FormulaRecipe:
    """How a formula encoded its data: enough, with the text, to encode new data alike.

    ``kinds`` tells of each column whether it held numbers, truth values or a factor; ``state``
    what the transforms of each expression learned. All of it is plain data, and the text passes
    the gate again whenever it is used.
    """

    formula: str
    columns: tuple[str, ...]
    kinds: Mapping[str, str]
    levels: Mapping[str, tuple[Any, ...]]
    state: Mapping[str, dict[str, Any]]
    offset: str | None = None
    contrast: str = "treatment"
    width: int = 0

    def encode(self, new: Any) -> NewData:
        """Return ``new`` in the coding of the training data; rows with a missing value are NaN."""
        frame = open_frame(new, "the new data")
        parsed = parse(self.formula, self.columns)
        offsets = self.offsets(parsed)
        columns = self.read(frame)
        complete = np.ones(len(frame), dtype=bool)
        for part in columns.values():
            complete &= True if part.missing is None else ~part.missing
        X = np.full((len(frame), self.width), np.nan, order="F")
        offset = np.full(len(frame), np.nan) if offsets else None
        if complete.any():
            cut = {name: part.value[complete] for name, part in columns.items()}
            values, m = self._predictors(parsed, cut), int(complete.sum())
            made, _ = matrix(parsed, values, m, self.contrast)
            if made.shape[1] != self.width:
                raise DataError("the formula does not give the columns of the model.")
            X[complete] = made
            if offset is not None:
                offset[complete] = total([self._offset(one, cut) for one in offsets])
        return NewData(X, offset, frame.index, frame.native)

    def check(self, design: Design) -> None:
        """Raise unless the text passes the gate, and what was learned covers what it names."""
        parsed = parse(self.formula, self.columns)
        read = [*parsed.predictors.values(), *self.offsets(parsed)]
        named = {name for one in read for name in one.columns}
        texts = {*parsed.predictors, *(one.text for one in read)}
        if (
            design.formula != self.formula
            or design.intercept != parsed.intercept
            or self.width != len(design.names)
            or [frozenset(term) for term in parsed.terms] != [t.factors for t in design.terms]
            or not named <= set(self.kinds)
            or not set(self.kinds.values()) <= set(KINDS)
            or self.contrast not in CONTRASTS
            or not texts <= set(self.state)
        ):
            raise DataError("its formula does not fit what was learned with it.")

    def offsets(self, parsed: Parsed) -> tuple[Expression, ...]:
        """Return the offsets of the formula, and the one that was given in quotes."""
        if self.offset is None:
            return parsed.offsets
        return (*parsed.offsets, argument(self.offset, self.columns, "offset"))

    def expressions(self) -> tuple[Expression, ...]:
        """Return what the right side is made of: the expressions of its terms, and its offsets."""
        parsed = parse(self.formula, self.columns)
        return (*parsed.predictors.values(), *self.offsets(parsed))

    def needed(self) -> tuple[str, ...]:
        """Return the columns of new data that the right side needs."""
        return tuple(dict.fromkeys(name for one in self.expressions() for name in one.columns))

    def read(self, frame: Frame) -> dict[str, Column]:
        """Return the columns of new data that the right side needs, as the kinds of training."""
        names = self.needed()
        frame.check_has(names, "the new data")
        return {name: _as_in_training(frame.column(name), name, self.kinds[name]) for name in names}

    def _offset(self, offset: Expression, columns: Mapping[str, Value]) -> Array:
        return number(evaluate(offset, columns, self.state[offset.text]))

    def _predictors(self, parsed: Parsed, columns: Mapping[str, Value]) -> dict[str, Value]:
        return {
            name: self._matched(name, evaluate(factor, columns, self.state[name]))
            for name, factor in parsed.predictors.items()
        }

    def _matched(self, name: str, value: Value) -> Value:
        """Return a factor with the codes of the training levels."""
        if name not in self.levels:
            return value
        complaint = f"`{name}` of the new data has levels that the model has not seen"
        return as_factor(value).coded_as(self.levels[name], complaint)


def _as_in_training(found: Column, name: str, kind: str) -> Column:
    """Return a column of new data as the kind that the model was fitted to."""
    value = found.value
    if found.kind == kind:
        return found
    if kind == "factor":
        return Column(as_factor(value), found.missing)
    if isinstance(value, Factor):
        if value.levels:
            raise DataError(
                f"column `{name}` of the new data holds text or categories "
                f"({listing(map(repr, value.levels), 3)}), and the model was fitted to {kind}."
            )
        # A column without any value has no type of its own.
        empty = np.zeros(len(value), dtype=bool if kind == "truth values" else float)
        return Column(empty, found.missing)
    if kind == "numbers":
        return Column(number(value), found.missing)
    values = np.where(np.isnan(value), 0, value)
    if not np.isin(values, (0, 1)).all():
        raise DataError(
            f"column `{name}` of the new data holds numbers other than 0 and 1, and the model was "
            "fitted to truth values."
        )
    return Column(values == 1, found.missing)


def matrix(parsed: Parsed, values: Mapping[str, Value], n: int, contrast: str) -> tuple[Array, Any]:
    """Return X of shape (n, p) without the intercept, and formulaic's structure of its columns.

    X is in column-major order, as it is mostly read a column at a time.
    """
    literal = formulaic_types.Factor(_INTERCEPT, eval_method="literal")
    terms = [formulaic_types.Term([literal])] if parsed.intercept else []
    terms += [formulaic_types.Term(map(formulaic_types.Factor, term)) for term in parsed.terms]
    spec = formulaic.ModelSpec(formulaic.Formula(terms), na_action="ignore", output="numpy")
    context = {name: _coded(name, value, contrast) for name, value in values.items()}
    made = spec.get_model_matrix(pd.DataFrame(index=range(n)), context=context)
    structure = made.model_spec.structure[int(parsed.intercept) :]
    return np.array(made[:, int(parsed.intercept) :], dtype=np.float64, order="F"), structure


def _coded(name: str, value: Value, contrast: str) -> Any:
    """Return a value as formulaic codes it: a factor by its own contrast or by ``contrast``."""
    if not isinstance(value, Factor):
        return value
    chosen = value.contrast
    if chosen is None:
        if contrast == "treatment":
            return value.values
        chosen = getattr(formulaic_transforms.ContrastsRegistry, contrast)()
    try:
        chosen.get_coding_matrix(list(value.levels), reduced_rank=True)
    except (ValueError, TypeError, IndexError):
        raise FormulaError(
            f"`{name}`: the contrast {chosen} does not fit a factor of {len(value.levels)} levels "
            f"({listing(map(repr, value.levels))})."
        ) from None
    return formulaic_transforms.C(value.values, chosen)


def design_of(recipe: FormulaRecipe, values: Mapping[str, Value], n: int) -> tuple[Design, Array]:
    """Return the design and X of training data."""
    parsed = parse(recipe.formula, recipe.columns)
    X, structure = matrix(parsed, values, n, recipe.contrast)
    names = tuple(name for encoded in structure for name in encoded.columns)
    if parsed.intercept and "Intercept" in names:
        raise reserved("Intercept")
    terms, start = [], 0
    for term, encoded in zip(parsed.terms, structure, strict=True):
        stop = start + len(encoded.columns)
        terms.append(Term(":".join(term), frozenset(term), tuple(range(start, stop))))
        start = stop
    recipe = replace(recipe, width=len(names))
    levels = dict(recipe.levels)
    return Design(recipe.formula, parsed.intercept, tuple(terms), names, levels, recipe), X


def reserved(name: str) -> DataError:
    """Return the error for a column whose name belongs to the constant."""
    return DataError(f"the name `{name}` belongs to the constant of the model; rename the column.")


def total(vectors: Sequence[Array]) -> Array | None:
    """Return the sum of the offsets, None when there is none."""
    return sum(vectors[1:], vectors[0]) if vectors else None
