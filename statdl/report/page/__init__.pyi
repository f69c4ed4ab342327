from statdl.report.page.document import write_page as write_page
from statdl.report.page.fit import fit_page as fit_page
from statdl.report.page.part import Facts as Facts
from statdl.report.page.part import Gallery as Gallery
from statdl.report.page.part import Page as Page
from statdl.report.page.part import Picture as Picture
from statdl.report.page.part import Prose as Prose
from statdl.report.page.part import Readings as Readings
from statdl.report.page.part import Section as Section
from statdl.report.page.part import Shown as Shown
from statdl.report.page.part import Source as Source
from statdl.report.page.picture import drawn as drawn
from statdl.report.page.picture import illustrated as illustrated
from statdl.report.page.session import session as session
from statdl.report.page.table import table_page as table_page

__all__: list[str]
