from statdl.results.fit import Fit as Fit
from statdl.results.held import Call as Call
from statdl.results.network import NetworkFit as NetworkFit

__all__: list[str]
