from statdl.report.reading.comparison import comparison_readings as comparison_readings
from statdl.report.reading.fit import fit_readings as fit_readings
from statdl.report.reading.tests import test_reading as test_reading
from statdl.report.reading.words import Reading as Reading

__all__: list[str]
