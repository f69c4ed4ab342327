"""A model frame whose rows are in a scan: what is learned of them, and how they are coded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from statdl.backend.rows import Rows
from statdl.errors import StatdlError, StatdlWarning, warn
from statdl.formula import ModelFrame
from statdl.formula.values import Factor
from statdl.scan import transform
from statdl.scan.block import Encoder, with_contrast
from statdl.scan.census import Known
from statdl.scan.learn import learn, light_head
from statdl.scan.learned import Learned
from statdl.scan.passes import Ledger
from statdl.scan.request import Request
from statdl.scan.rows import Held, ScannedRows
from statdl.scan.sample import joined
from statdl.scan.source import Scan

#: Rows of the first block that stand for all of them where nothing has to be learned.
HEAD = 2_000


@dataclass(frozen=True)
class ScanFrame(ModelFrame):
    """A model frame of witnesses, which show what there is; the other rows are in ``scan``.

    ``learned`` is what the first pass told; None where the formula needs none.
    """

    scan: Scan = field(default=None, repr=False)  # type: ignore[assignment]
    encoder: Encoder = field(default=None, repr=False)  # type: ignore[assignment]
    ledger: Ledger = field(default_factory=Ledger, repr=False, compare=False)
    learned: Learned | None = field(default=None, repr=False, compare=False)
    head: Any = field(default=None, repr=False, compare=False)

    def rows_by(
        self,
        rows_of: Callable[[ModelFrame], Rows],
        constant: Callable[[Rows], float],
    ) -> ScannedRows:
        """Return the rows, coded by ``rows_of``."""
        encoder = replace(self.encoder, rows_of=rows_of)
        shown = rows_of(self.encoder.frame)
        learned = self.learned
        known = Known() if learned is None else Known(learned.kept, learned.nobs, learned.weight)
        some = partial(self._some, encoder)
        return ScannedRows(Held(self.scan, encoder, self.ledger, shown[:0], some, constant, known))

    def _some(self, encoder: Encoder) -> tuple[Rows, int]:
        """Return rows in memory that stand for all, and one of how many each is."""
        stride = 1 if self.learned is None else self.learned.sample.stride
        table = self.head if self.learned is None else self.learned.sample.table
        assert encoder.rows_of is not None
        built = encoder._built(joined(table, encoder.witnesses))
        return encoder.rows_of(built), stride

    @property
    def n(self) -> int:
        return sys.maxsize if self.learned is None else self.learned.kept

    def counted(self, rows: ScannedRows) -> ScanFrame:
        """Return the frame with the number of rows that were left out, known after a pass."""
        read = rows.held.ledger.rows
        if self.learned is not None or read is None:
            return self
        return replace(self, dropped=read - rows.n)

    def rows_like(self, rows: ScannedRows) -> ScannedRows:
        """Return rows as this frame codes them."""
        held = rows.held
        encoder = replace(self.encoder, rows_of=held.encoder.rows_of)
        assert encoder.rows_of is not None
        form = encoder.rows_of(self.encoder.frame)[:0]
        return ScannedRows(
            replace(held, encoder=encoder, form=form, some=partial(self._some, encoder))
        )

    def __getstate__(self) -> Any:
        """Return what travels to a worker: neither where the rows are, nor any of them."""
        home = ("scan", "learned", "head", "recoder")
        return {name: None if name in home else value for name, value in self.__dict__.items()}

    def recode(self, contrast: str = "sum") -> ModelFrame:
        encoder = with_contrast(self.encoder, contrast)
        frame = encoder.frame
        return replace(self, design=frame.design, X=frame.X[:0], encoder=encoder)


def scan_frame(
    formula: str,
    scan: Scan,
    *,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    na_action: str = "drop",
    classes: bool = True,
) -> ScanFrame:
    """Return what ``formula`` asks of a scan, as :func:`statdl.formula.model_frame` of a frame.

    ``classes`` tells whether the model looks at which values the response has. One pass over the
    rows learns what there is; where the formula has plain columns of numbers only, and the model
    asks nothing of the response, no pass is needed.

    Raises
    ------
    FormulaError, DataError
        As in memory; what is wrong with a block names the file that it is from.
    """
    request = Request(formula, scan.names, weights, offset, subset, na_action, scan.levels)
    for note in request.parsed.notes:
        warn(note, StatdlWarning)
    ledger = Ledger()
    if not classes and weights is None and subset is None:
        head = light_head(scan, request, HEAD)
        if head is not None and _plain(request, head):
            return _framed(scan, request, ledger, head.take([0]), None, head)
    request, learned = learn(scan, request, ledger)
    many = ("many",) in learned.witnesses.places
    shown = learned.witnesses.without({"low", "high", "many", *({"value"} if many else set())})
    return _framed(scan, request, ledger, shown.table, learned, None)


def _plain(request: Request, head: Any) -> bool:
    """Tell whether nothing has to be learned: no factors, and no transforms that remember."""
    if any(True for one in request.expressions for _ in transform.calls(one)):
        return False
    if request.parsed.counts:
        return False
    try:
        built = request.builder(head)
        built._read(list(request.expressions))
        parts = built._parts(list(request.expressions))
    except StatdlError:  # a block shows less than there is
        return False
    return not any(
        isinstance(part.value, Factor) or str(getattr(part.value, "dtype", "")) == "bool"
        for part in parts
    )


def _framed(
    scan: Scan,
    request: Request,
    ledger: Ledger,
    witnesses: Any,
    learned: Learned | None,
    head: Any,
) -> ScanFrame:
    encoder = Encoder(request, witnesses)
    frame = encoder.frame
    return ScanFrame(
        design=frame.design,
        X=frame.X[:0],
        response=frame.response,
        weights=frame.weights,
        offset=frame.offset,
        dropped=0 if learned is None else learned.read - learned.kept,
        scan=scan,
        encoder=encoder,
        ledger=ledger,
        learned=learned,
        head=head,
    )
