"""Text and frames to arrays: formulas, designs that remember, and frames of every library.

:func:`model_frame` reads a formula and a frame, :func:`array_frame` reads arrays; both return a
:class:`ModelFrame`, whose :class:`Design` encodes new data as the training data were.
"""

from __future__ import annotations

from statdl.formula.alongside import alongside, new_offset, new_weights, warn_without_offset
from statdl.formula.arrays import ArrayRecipe, array_frame
from statdl.formula.design import Design, ModelFrame, NewData, Response, Term
from statdl.formula.frame import beside, joined, like, taken
from statdl.formula.groups import Grouping, groupings
from statdl.formula.model_frame import model_frame
from statdl.formula.recipe import FormulaRecipe, learned
from statdl.formula.update import update_formula

__all__ = [
    "ArrayRecipe",
    "Design",
    "FormulaRecipe",
    "Grouping",
    "ModelFrame",
    "NewData",
    "Response",
    "Term",
    "alongside",
    "array_frame",
    "beside",
    "groupings",
    "joined",
    "learned",
    "like",
    "model_frame",
    "new_offset",
    "new_weights",
    "taken",
    "update_formula",
    "warn_without_offset",
]
