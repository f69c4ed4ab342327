"""What ``mlp`` is told of training by gradient descent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from statdl.api.arguments import finite, is_number, strengths
from statdl.api.words import NETWORK_METHODS, as_solver, lookup
from statdl.backend.array import namespace
from statdl.backend.random import zeros
from statdl.backend.rows import Rows
from statdl.errors import DataError, ModelError
from statdl.estimate import Practice, Specification
from statdl.estimate.holdout import (
    check_share,
    hold_out_data,
    hold_out_of_scan,
    hold_out_share,
    rows_elsewhere,
)
from statdl.formula import array_frame, model_frame
from statdl.formula.design import Design, NewData
from statdl.formula.rows import check_index
from statdl.formula.suggest import count
from statdl.model.layout import sizes
from statdl.model.metric import METRICS
from statdl.model.network import Network
from statdl.model.portion import LARGEST_BATCH
from statdl.scan.opening import as_scan, is_lazy
from statdl.solve.checkpoint import Checkpoint
from statdl.solve.descent import GradientDescent
from statdl.solve.iterate import Solver
from statdl.solve.lbfgs import LBFGS
from statdl.solve.rule import Adam
from statdl.solve.training import PATIENCE, Training

#: Above this many weights a curvature is dear, and L-BFGS is the default.
NEWTON_WEIGHTS = 1500
#: Rows a batch where the options need gradient descent and no method is named.
BATCH = 32


@dataclass(frozen=True)
class TrainingOptions:
    """The arguments of ``mlp`` that only training has."""

    validation: Any
    early_stopping: bool | int
    noise: float
    l1: float | Sequence[float]
    metrics: Sequence[str] | None
    checkpoint: Checkpoint | str | Path | None
    resume: str | Path | bool | None

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> TrainingOptions:
        """Read and check them."""
        options = cls(**{name: arguments[name] for name in cls.__dataclass_fields__})
        if finite("noise", options.noise) < 0:
            raise ModelError(f"noise is a standard deviation, 0 or more, not {options.noise!r}.")
        patience: Any = options.early_stopping
        sound = isinstance(patience, bool) or (is_number(patience) and patience % 1 == 0)
        if not sound or patience < 0:
            raise ModelError(
                f"early_stopping is True, False or a number of epochs, not {patience!r}."
            )
        if options.early_stopping and options.validation is None:
            raise ModelError(
                "early_stopping watches the loss of rows held out; say which with validation=, "
                "such as validation=0.25."
            )
        return options

    @property
    def patience(self) -> int | None:
        """Epochs without a better validation loss before training stops."""
        if self.early_stopping is True:
            return PATIENCE
        return int(self.early_stopping) or None

    @property
    def saved(self) -> Checkpoint | None:
        """Where the run is saved."""
        given = self.checkpoint
        if given is None or isinstance(given, Checkpoint):
            return given
        if not isinstance(given, str | Path):
            raise ModelError(f"checkpoint={given!r} is neither a path nor an sd.Checkpoint.")
        return Checkpoint(given)

    @property
    def resumed(self) -> str | Path | None:
        """The checkpoint to go on from."""
        if self.resume is True:
            if self.saved is None:
                raise ModelError("resume=True goes on from checkpoint=, which is missing.")
            return self.saved.path
        return self.resume or None

    def needing_descent(self, network: Network | None) -> list[str]:
        """Return, as they were written, the options that only gradient descent fulfils."""
        found = {
            "validation": self.validation is not None,
            "early_stopping": bool(self.early_stopping),
            "noise": self.noise > 0,
            "l1": any(value > 0 for value in strengths("l1", self.l1)),
            "checkpoint": self.checkpoint is not None,
            "resume": bool(self.resume),
        }
        names = [name for name, wanted in found.items() if wanted]
        hidden = () if network is None else network.hidden
        if any(layer.dropout for layer in hidden):
            names.append("dropout")
        if any(layer.normalisation == "batch" for layer in hidden):
            names.append("normalisation='batch'")
        return names


def network_solver(
    method: str | Solver | None, options: TrainingOptions, network: Network, n: int, seed: int
) -> Solver:
    """Return the method asked for, or the one that suits.

    Raises
    ------
    ModelError
        When the method cannot do what is wished, naming one that can.
    """
    needed = options.needing_descent(network)
    if method is None and needed:
        method = GradientDescent(Adam(1e-3), batch=min(BATCH, n))
    default = "newton" if network.size <= NEWTON_WEIGHTS else "lbfgs"
    solver = as_solver(method or default, n, NETWORK_METHODS)
    if isinstance(solver, GradientDescent) and not solver.accelerated:
        descent = solver if solver.seed is not None else replace(solver, seed=seed)
        return Training(descent, options.patience, options.saved, options.resumed)
    if isinstance(solver, LBFGS) and solver.preconditioned is None:
        solver = replace(solver, preconditioned=False)
    _refuse_without_descent(needed, solver)
    return solver


def refuse_of_scan(arguments: Mapping[str, Any], options: TrainingOptions) -> None:
    """Raise, before any row is read, for what rows that are read in blocks cannot have."""
    if isinstance(options.validation, int | float):
        check_share(options.validation)
    needed, normalised = options.needing_descent(None), arguments["normalisation"] == "batch"
    needed += ["dropout"] if finite("dropout", arguments["dropout"]) else []
    needed += ["normalisation='batch'"] if normalised else []
    if arguments["method"] is None:
        return
    solver = as_solver(arguments["method"], LARGEST_BATCH, NETWORK_METHODS)
    if not isinstance(solver, GradientDescent) or solver.accelerated:
        _refuse_without_descent(needed, solver)
        return
    if (solver.batch or 0) > LARGEST_BATCH:
        raise ModelError(
            f"batch={solver.batch}: of rows that are read in blocks a batch has at most "
            f"{LARGEST_BATCH} rows, or with batch=None all of them."
        )
    if normalised and solver.batch is None:
        raise ModelError(
            "normalisation='batch' takes the moments of a batch, and all rows of a scan are never "
            "together; give batch=, such as 1024, or use normalisation='layer'."
        )


def _refuse_without_descent(needed: Sequence[str], solver: Solver) -> None:
    if needed:
        raise ModelError(
            f"{', '.join(needed)} cannot be had with {solver.name}, which needs the same smooth "
            "loss at every step; use method=sd.GradientDescent(sd.Adam(1e-3), batch=32, "
            "epochs=100)."
        )


def held_out(
    specification: Specification, options: TrainingOptions, arguments: Mapping[str, Any]
) -> tuple[Specification, Rows | None]:
    """Return the specification of the rows to learn from, and the rows to watch."""
    given, rows = options.validation, specification.rows
    if given is None:
        return specification, None
    if given is True:
        raise DataError("validation=True says not how many rows; give a share, such as 0.25.")
    if isinstance(given, int | float):
        hold_out = hold_out_of_scan if rows.passing else hold_out_share
        return hold_out(specification, float(given), arguments["seed"])
    if is_lazy(given):
        return specification, rows_elsewhere(rows, as_scan(given))
    return specification, _own_data(specification, given, arguments)


def _own_data(specification: Specification, given: Any, arguments: Mapping[str, Any]) -> Rows:
    design = specification.frame.design
    for name in ("weights", "offset"):
        if arguments[name] is not None and not isinstance(arguments[name], str):
            raise DataError(
                f"{name}= is an array for the rows of the fit, and says nothing of those of "
                f"validation=; name a column of both, or hold a share out, as by validation=0.25."
            )
    if design.formula is None:
        if not (isinstance(given, tuple | list) and len(given) == 2):
            raise DataError("validation is a share of the rows, or (X, y), for a fit to X and y.")
        new = _encoded(design, given[0])
        check_index(given[1], new.index, "y")
        frame = array_frame(new.X, given[1], names=design.names, na_action="raise")
        return hold_out_data(specification, frame)
    if isinstance(given, tuple | list):
        raise DataError("validation is a share of the rows, or a frame, for a fit to a formula.")
    if given is None or isinstance(given, str | Path):
        raise DataError(
            f"validation={str(given)!r} is neither a share of the rows nor a frame; read the file "
            "first, as by pandas.read_csv(...)."
        )
    response = model_frame(
        f"{design.formula.partition('~')[0]} ~ 1",
        given,
        weights=arguments["weights"],
        na_action="raise",
    )
    new = _encoded(design, given)
    return hold_out_data(specification, replace(response, X=new.X, offset=new.offset))


def _encoded(design: Design, given: Any) -> NewData:
    """Return the inputs of validation rows, by the names of their columns; all must be there."""
    try:
        new = design.encode(given)
    except DataError as error:
        raise DataError(f"validation=: {error}") from None
    xp = namespace(new.X)
    gaps = xp.any(xp.isnan(new.X), axis=1)
    if bool(xp.any(gaps)):
        raise DataError(
            f"{count(int(xp.sum(xp.astype(gaps, xp.int64))))} of validation= "
            f"have missing values, the first is row {int(xp.argmax(xp.astype(gaps, xp.int64)))}. "
            "Fill or drop them."
        )
    return new


def practice(
    specification: Specification, options: TrainingOptions, network: Network, watched: Rows | None
) -> Practice:
    """Return what training has beside the model."""
    return Practice(
        held_out=watched,
        noise=float(options.noise),
        lasso=by_layer(network, options.l1, "l1"),
        metrics=_metrics(specification, options.metrics),
    )


def by_layer(network: Network, given: float | Sequence[float], what: str) -> Any:
    """Return λ of every parameter: weights are penalised, biases, scales and shifts are not.

    The length of weight-normalised weights is their scale, ½ λ Σ w² = ½ λ Σ g², so that is what
    decay shrinks; no single weight of theirs can be made 0.
    """
    layers = sizes(network.layout)
    numbers = strengths(what, given)
    if not isinstance(given, Iterable):
        numbers = numbers * len(layers)
    if len(numbers) != len(layers):
        raise ModelError(f"{len(numbers)} {what}s were given for {len(layers)} layers of weights.")
    if what == "l1" and any(
        strength and block.kind == "scale" for block, strength in zip(layers, numbers, strict=True)
    ):
        raise ModelError(
            "l1 makes single weights 0, and with normalisation='weight' a unit's weights are a "
            "scale times a direction; use decay=, or another normalisation."
        )
    values = zeros(network.size)
    for block, strength in zip(layers, numbers, strict=True):
        if strength:
            values[list(block.positions)] = strength
    return values


def _metrics(specification: Specification, given: Sequence[str] | None) -> tuple[str, ...]:
    family = specification.family
    if given is None:
        given = ("accuracy",) if family.has_classes else ()
    if not isinstance(given, Iterable):
        raise ModelError(f"metrics={given!r} must be names, such as ('accuracy',).")
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        if not lookup(name, METRICS, "metric").suits(family):
            raise ModelError(f"The metric {name!r} means nothing for the {family.name} family.")
    return names
