"""What people see: numbers as text, tables, summaries."""

from __future__ import annotations

from statdl.report.table import DataTable, Document, Pairs, Printed, Summary, Table

__all__ = ["DataTable", "Document", "Pairs", "Printed", "Summary", "Table"]
