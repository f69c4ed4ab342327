from statdl.report.reading.comparison import comparison_readings as comparison_readings
from statdl.report.reading.fit import fit_readings as fit_readings
from statdl.report.reading.hypothesis import read_test as read_test
from statdl.report.reading.words import Reading as Reading

__all__: list[str]
