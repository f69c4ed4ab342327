from statdl.solve.descent import GradientDescent as GradientDescent
from statdl.solve.rule import SGD as SGD
from statdl.solve.rule import Adam as Adam
from statdl.solve.trust import TrustRegion as TrustRegion

__all__: list[str]
