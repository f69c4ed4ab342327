"""What ``sd.decay_path`` and ``sd.input_path`` return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from statdl.errors import ModelError
from statdl.lazy import lazy
from statdl.report import DataTable, Printed
from statdl.report.block import Document
from statdl.report.plot.path import draw_path
from statdl.results.held import Call
from statdl.results.network import NetworkFit
from statdl.study.network_path import DecayPath, InputPath

np = lazy("numpy")


@dataclass(frozen=True, repr=False)
class NetworkDecayPath(Printed):
    """A network for every decay of a path.

    ``fits()`` are networks; ``lengths`` (D, T) the norms of the weights that leave each input.
    """

    found: DecayPath
    call: Call

    @property
    def decays(self) -> Any:
        """The values of weight decay, decreasing."""
        return self.found.decays

    @cached_property
    def table(self) -> DataTable:
        """One line a decay: mean loss, that of rows held out, effective df, lengths of inputs."""
        found = self.found
        columns: dict[str, Any] = {"decay": found.decays, "loss": found.loss}
        if np.isfinite(found.validation).any():
            columns["validation"] = found.validation
        columns["df"] = found.effective
        columns |= {name: found.lengths[:, k] for k, name in enumerate(found.terms)}
        columns["converged"] = [
            "yes" if one.convergence.converged else "no" for one in found.estimates
        ]
        labels = tuple(str(k) for k in range(len(found.decays)))
        notes = (
            "Losses are mean −log-likelihoods at unit dispersion, without penalties; below an "
            "input's name is the norm of the weights that leave it.",
        )
        return DataTable("", labels, columns, title="Weight decay path", notes=notes)

    def document(self) -> Document:
        """Return the table, for a renderer."""
        return self.table.document()

    def fit(self, place: int) -> NetworkFit:
        """Return the network at a place of the path."""
        return NetworkFit(self.found.estimates[place], self.call)

    def best(self) -> NetworkFit:
        """Return the network with the least loss on the rows held out."""
        if not np.isfinite(self.found.validation).any():
            raise ModelError("best() needs rows held out; pass held_out=0.25, say.")
        return self.fit(int(np.nanargmin(self.found.validation)))

    def plot(self, *, ax: Any = None) -> Any:
        """Draw the lengths of inputs against decay; returns axes."""
        found = self.found
        return draw_path(
            found.decays, found.lengths, found.terms, found.effective, (), "Weight decay path",
            "lambda", found.loss, ax, words=("log10 decay", "length of outgoing weights"),
        )  # fmt: skip


@dataclass(frozen=True, repr=False)
class NetworkInputPath(Printed):
    """Networks whose inputs leave one by one."""

    found: InputPath

    @property
    def order(self) -> tuple[tuple[str, float], ...]:
        """The inputs in the order in which they leave, each with the μ at which it is out."""
        return self.found.order

    @cached_property
    def table(self) -> DataTable:
        """One line a μ: the mean loss, how many inputs are in, and their lengths."""
        found = self.found
        columns: dict[str, Any] = {
            "strength": found.strengths,
            "loss": found.loss,
            "inputs": [int(count) for count in (found.lengths > 0).sum(axis=1)],
        }
        columns |= {name: found.lengths[:, k] for k, name in enumerate(found.terms)}
        labels = tuple(str(k) for k in range(len(found.strengths)))
        unsettled = int(np.sum(~found.converged))
        notes: Sequence[str] = (
            (f"{unsettled} of {len(labels)} networks had not settled.",) if unsettled else ()
        )
        return DataTable("", labels, columns, title="Inputs leaving", notes=tuple(notes))

    def document(self) -> Document:
        """Return the table, for a renderer."""
        return self.table.document()

    def plot(self, *, ax: Any = None) -> Any:
        """Draw the lengths of inputs against the strength of the penalty; returns axes."""
        found, down = self.found, slice(None, None, -1)
        return draw_path(
            found.strengths[down], found.lengths[down], found.terms,
            (found.lengths > 0).sum(axis=1)[down], (), "Inputs of the network", "lambda",
            found.loss, ax, words=("log10 strength", "length of outgoing weights"),
        )  # fmt: skip
