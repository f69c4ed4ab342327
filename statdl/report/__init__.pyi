from statdl.report.network import network_summary as network_summary
from statdl.report.table import DataTable as DataTable
from statdl.report.table import Document as Document
from statdl.report.table import Pairs as Pairs
from statdl.report.table import Printed as Printed
from statdl.report.table import Summary as Summary
from statdl.report.table import Table as Table

__all__: list[str]
