"""The table of a network's layers."""

from __future__ import annotations

from statdl.model.network import Network
from statdl.report.table import DataTable


def architecture_table(network: Network) -> DataTable:
    """Return one row a layer: its output shape and its parameters, with the total."""
    rows = network.table()
    columns = {
        "Output shape": (*(f"(n, {row.output})" for row in rows), ""),
        "Parameters": (*(float(row.parameters) for row in rows), float(network.size)),
    }
    index = (*(row.layer for row in rows), "Total")
    return DataTable("Layer", index, columns, "Network", formats={"Parameters": "integer"})
