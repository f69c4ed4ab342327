from statdl.report.plot.coefficients import draw_coefficients as draw_coefficients
from statdl.report.plot.diagnostics import draw_diagnostics as draw_diagnostics
from statdl.report.plot.effect import draw_effect as draw_effect
from statdl.report.plot.gradients import draw_gradients as draw_gradients
from statdl.report.plot.history import draw_history as draw_history
from statdl.report.plot.network import draw_network as draw_network
from statdl.report.plot.profile import draw_profile as draw_profile

__all__: list[str]
