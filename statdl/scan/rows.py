"""Rows that come in blocks: the same protocol as rows in memory, read anew for every sum."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np

from statdl.backend.array import Array, namespace, to_numpy
from statdl.backend.array import precision as precision_of
from statdl.backend.random import generator
from statdl.backend.rows import NoRows, Rows, added, block_rows
from statdl.backend.triangle import Centred, Triangle, centred, triangle_of
from statdl.errors import DataError, ModelError
from statdl.scan.block import Encoder
from statdl.scan.census import Census, Known
from statdl.scan.gather import in_portions, joined_rows
from statdl.scan.passes import Ledger
from statdl.scan.reader import ahead
from statdl.scan.source import Scan
from statdl.scan.split import Split
from statdl.scan.task import Change, Reduction, Task, changed

#: Rows that may be gathered in memory, in bytes, where something small has to see all of them.
GATHERED_BYTES = 256 * 1024 * 1024
#: A portion of an epoch, in bytes, whose rows are shuffled; up to four are in memory at a time.
PORTION_BYTES = 64 * 1024 * 1024
#: A share of the rows that is less than one of them.
LEAST_SHARE = 1e-12


@dataclass(frozen=True)
class Held:
    """What rows of a scan are made of.

    form       rows of which there are none, as blocks have them
    some       returns rows in memory that stand for all, and one of how many each is
    constant   the part of the likelihood of some rows that no parameter changes
    known      what passes have told so far
    changes    what is made of every block, such as leaving columns out
    parent     the rows of which these have the columns ``positions``
    """

    scan: Scan
    encoder: Encoder
    ledger: Ledger
    form: Rows
    some: Callable[[], tuple[Rows, int]]
    constant: Callable[[Rows], float]
    known: Known = field(default_factory=Known)
    changes: tuple[Change, ...] = ()
    parent: ScannedRows | None = None
    positions: tuple[int, ...] = ()


class ScannedRows(Rows):
    """Rows of a scan: sums are taken block by block, and nothing has all rows at once."""

    passing: ClassVar[bool] = True
    held: Held

    def __init__(self, held: Held) -> None:
        object.__setattr__(self, "held", held)

    def __reduce__(self) -> Any:
        """Return rows without rows: what travels to a worker is the model, never the data."""
        return NoRows, (self.template,)

    def __repr__(self) -> str:
        return f"ScannedRows({self.held.scan!r})"

    # what rows are asked for by number ------------------------------------------------------------

    @property
    def template(self) -> Array:
        return self.held.form.template

    @property
    def passes(self) -> int:
        """How often all rows have been read."""
        return self.held.ledger.passes

    @property
    def census(self) -> Census:
        """What passes tell of all rows; the first one tells it."""
        if self.held.known.census is None:
            self.reduce(_nothing, 1)
        assert self.held.known.census is not None
        return self.held.known.census

    @property
    def n(self) -> int:
        known = self.held.known.n
        return self.census.n if known is None else known

    @property
    def nobs(self) -> int:
        known = self.held.known.nobs
        return self.census.nobs if known is None else known

    @property
    def weight(self) -> float:
        known = self.held.known.weight
        return self.census.weight if known is None else known

    @property
    def mean_square(self) -> float:
        census = self.census
        return float(census.squares.sum()) / (census.n * census.squares.shape[0])

    @property
    def largest(self) -> float:
        """The largest |y|: of all rows once there was a pass, and before of the sample."""
        census = self.held.known.census
        return self.representatives().largest if census is None else census.largest

    @property
    def precision(self) -> str:
        return precision_of(self.template.dtype)

    @property
    def has_weights(self) -> bool:
        return self.held.form.weights is not None

    @property
    def has_offset(self) -> bool:
        return self.held.form.offset is not None

    @property
    def streamed(self) -> bool:
        return False

    @property
    def marks(self) -> tuple[Array | None, ...]:
        census = self.census
        counts = np.asarray([census.n, census.nobs, census.weight, census.largest])
        return counts, census.response, census.squares, None

    def mean_response(self) -> Array:
        return self.census.response / self.census.weight

    def squares(self, intercept: bool) -> float:
        return self.triangle.columns((), intercept).squares

    def constant(self, function: Callable[[Rows], float], fixed: bool) -> float:
        if fixed:
            return self.census.constant
        return float(self.reduce(lambda block: (function(block),), self.template.shape[1])[0])

    @cached_property
    def triangle(self) -> Triangle:
        """R of √W [1 X y], from one pass for all selections of columns."""
        parent = self.held.parent
        if parent is not None:
            return parent.triangle.columns(self.held.positions)
        return triangle_of(self, self.centred)

    @cached_property
    def centred(self) -> Centred:
        """Weight, means and products about them of [X y], from one pass."""
        return centred(self, self.middle)

    @property
    def middle(self) -> Any:
        """Means of [X y] in the rows that stand for all, (p + 1,): near enough to subtract."""
        some = self.representatives()
        xp = namespace(some.X)
        y = some.y if some.offset is None else some.y - some.offset
        return to_numpy(xp.mean(xp.concat([some.X, y], axis=1), axis=0))

    # blocks and sums ------------------------------------------------------------------------------

    def reduce(
        self,
        function: Callable[[Rows], Any],
        width: int,
        combine: Callable[[Any, Any], Any] = added,
    ) -> Any:
        return self.told(self.reduction(function, width, combine), "sums over rows")

    def reduction(self, function: Any, width: int, combine: Any) -> Reduction:
        """Return what a pass does to each block; the first one also takes the census."""
        first, constant = self.held.known.census is None, self.held.constant
        return Reduction(
            self.held.encoder,
            self.held.changes,
            self.template,
            function,
            width,
            combine,
            (lambda rows: Census.of(rows, constant)) if first else None,
        )

    def told(self, task: Task, title: str) -> Any:
        """Return what a pass tells that does ``task`` to each block, and keep the census."""
        scan, ledger = self.held.scan, self.held.ledger
        found = ledger.reduce(scan, task.encoder.request.columns, task, task.both, title)
        if found is None:
            raise DataError(f"No row of {scan.source} can be used by the model.")
        census, result = found
        if census is not None:
            known = self.held.known
            known.census, known.n = census, census.n
            known.nobs, known.weight = census.nobs, census.weight
        return result

    def blocks(self, width: int) -> Iterator[Rows]:
        for rows in self._read("rows in order"):
            yield from rows.blocks(width)

    def portions(self, size: int, seed: int, epoch: int) -> Iterator[tuple[Rows, Any]]:
        """Yield the rows of an epoch, shuffled as far as memory goes.

        Files, row groups and partitions are read in an order that seed and epoch draw; as many rows
        as fit a portion are gathered, and have a random order among themselves. Rows that fit one
        portion are in the order that they would have in memory.
        """
        width = self.template.shape[1] + self.held.form.y.shape[1] + 2
        most = max(1, PORTION_BYTES // (8 * width * size)) * size
        parts = None if self.n <= most else generator([seed, epoch, 2])
        orders = generator([seed, epoch])
        with ahead(in_portions(self._read(f"epoch {epoch + 1}", parts), most), 1) as portions:
            for rows in portions:
                yield rows, orders.permutation(rows.n)

    def _read(self, title: str, rng: Any = None) -> Iterator[Rows]:
        """Yield the rows block by block, in an order of parts that ``rng`` draws if given."""
        encoder, size = self.held.encoder, block_rows(self.template, self.template.shape[1])
        for block in self.held.ledger.blocks(self.held.scan, encoder.request.columns, title, rng):
            for part in encoder.pieces(block, size):
                rows = encoder(part)
                if rows is not None:
                    yield changed(rows, self.held.changes)

    # rows in memory -------------------------------------------------------------------------------

    @cached_property
    def _sample(self) -> tuple[Rows, int]:
        rows, stride = self.held.some()
        return changed(rows, self.held.changes), stride

    def representatives(self) -> Rows:
        return self._sample[0]

    def thinned(self, stride: int) -> Rows:
        rows, taken = self._sample
        return rows.thinned(max(1, stride // taken))

    def on_host(self) -> Rows:
        return self.gathered().on_host()

    def gathered(self) -> Rows:
        """Return all rows in memory where they are few enough."""
        if not self._few:
            self._refused()
        return joined_rows(list(self._read("rows in order")))

    @property
    def _few(self) -> bool:
        return self.n * (self.template.shape[1] + 2) * 8 <= GATHERED_BYTES

    def lacking_class(self) -> int | None:
        """Return the number of a class that no row has, the reference's 0; None where each has."""
        shares = to_numpy(self.mean_response())[0]
        every = [1 - shares.sum(), *shares]
        return next((k for k, one in enumerate(every) if not one > LEAST_SHARE), None)

    def at_hand(self) -> Rows:
        """Return the rows in memory where they are few, else as they are."""
        return self.gathered() if self._few else self

    # the same rows, changed -----------------------------------------------------------------------

    def mapped(self, change: Change, *, response: bool = False) -> ScannedRows:
        known = self.held.known
        if response:
            known = Known(known.n, known.nobs, known.weight)
        return self._changed(change, known=known)

    def _changed(self, change: Change, **own: Any) -> ScannedRows:
        """Return the rows with a change made to every block."""
        held = replace(
            self.held,
            changes=(*self.held.changes, change),
            form=change(self.held.form),
            parent=None,
        )
        return ScannedRows(replace(held, **own))

    def with_columns(self, positions: Sequence[int]) -> ScannedRows:
        chosen = tuple(positions)
        return self._changed(lambda rows: rows.with_columns(chosen), parent=self, positions=chosen)

    def with_response(self, change: Callable[[Rows], Array]) -> ScannedRows:
        return self.mapped(lambda rows: replace(rows, y=change(rows), offset=None), response=True)

    def split(self, share: float, seed: int) -> tuple[ScannedRows, ScannedRows]:
        """Return the rows to learn from, and a share of the rows that is held out."""
        return self._side(share, seed, False), self._side(share, seed, True)

    def _side(self, share: float, seed: int, held: bool) -> ScannedRows:
        scan = self.held.scan
        scan = replace(scan, source=Split(scan.source, share, seed, held))
        ledger = Ledger(0 if held else self.passes)
        return ScannedRows(replace(self.held, scan=scan, ledger=ledger, known=Known()))

    @property
    def columns_read(self) -> tuple[str, ...]:
        """The columns of the scan that are read."""
        return self.held.encoder.request.columns

    def elsewhere(self, scan: Scan) -> ScannedRows:
        """Return all rows of another scan, coded as these are; a missing value is an error."""
        encoder = self.held.encoder
        request = replace(encoder.request, subset=None, na_action="raise")
        encoder = replace(encoder, request=request)
        held = replace(self.held, scan=scan, encoder=encoder, ledger=Ledger(), known=Known())
        return ScannedRows(held)._changed(partial(_as_wide, as_=self.held.form))

    def recoded(self, encoder: Encoder, form: Rows) -> ScannedRows:
        """Return the rows coded by another encoder of the same response."""
        return ScannedRows(replace(self.held, encoder=encoder, form=form))

    # what only rows in memory have ----------------------------------------------------------------

    def _refused(self) -> Any:
        raise ModelError(
            "What was asked for needs all rows of the fit in memory at once, and they are read in "
            "blocks. Fit the model to a part of the data that fits into memory, as a frame; for "
            "effects and their pictures pass such a part as newdata=; or, for predictions, call "
            "predict(newdata=scan, to='predictions.parquet')."
        )

    def require_memory(self) -> None:
        self._refused()

    def __getitem__(self, rows: slice) -> Rows:
        return self._refused()

    def take(self, positions: Array) -> Rows:
        return self._refused()

    def stacked(self, function: Callable[[Rows], Array], width: int) -> Array:
        return self._refused()

    def _vector(self, name: str) -> Any:
        """Return None where rows have no such vector; to ask for one that they have is refused."""
        return None if getattr(self.held.form, name) is None else self._refused()

    X = property(_refused)
    y = property(_refused)
    weights = property(lambda self: self._vector("weights"))
    offset = property(lambda self: self._vector("offset"))
    trials = property(lambda self: self._vector("trials"))


def _as_wide(rows: Rows, as_: Rows) -> Rows:
    """Return rows, or raise where their columns or classes are not those of others."""
    for name, what in (("X", "factors have levels"), ("y", "response has classes")):
        if getattr(rows, name).shape[1] != getattr(as_, name).shape[1]:
            raise DataError(
                f"The validation rows do not go with the fit: their {what} that the rows of the "
                "fit lack."
            )
    return rows


def _nothing(rows: Rows) -> tuple[int]:
    return (0,)
