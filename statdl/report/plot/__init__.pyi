from statdl.report.plot.classes import draw_calibration as draw_calibration
from statdl.report.plot.classes import draw_roc as draw_roc
from statdl.report.plot.coefficients import draw_coefficients as draw_coefficients
from statdl.report.plot.complexity import Curves as Curves
from statdl.report.plot.complexity import Panel as Panel
from statdl.report.plot.complexity import draw_complexity as draw_complexity
from statdl.report.plot.complexity import draw_fits as draw_fits
from statdl.report.plot.complexity import draw_learning as draw_learning
from statdl.report.plot.complexity import draw_stack as draw_stack
from statdl.report.plot.decision import draw_decision as draw_decision
from statdl.report.plot.diagnostics import draw_diagnostics as draw_diagnostics
from statdl.report.plot.distribution import draw_distributions as draw_distributions
from statdl.report.plot.effect import draw_effect as draw_effect
from statdl.report.plot.gradients import draw_gradients as draw_gradients
from statdl.report.plot.history import draw_history as draw_history
from statdl.report.plot.network import draw_network as draw_network
from statdl.report.plot.partial import draw_added_variable as draw_added_variable
from statdl.report.plot.partial import draw_component_residual as draw_component_residual
from statdl.report.plot.profile import draw_profile as draw_profile

__all__: list[str]
