"""The public names of statdl, and where each lives: a line here adds one.

Type checkers and editors read this file, and :func:`statdl.lazy.lazy_names` does: each name is
imported at its first use. ``X as X`` is how a stub says that a name is for others (PEP 484).
"""

from statdl import datasets as datasets
from statdl import families as families
from statdl import links as links
from statdl.api.devices import devices as devices
from statdl.api.margins import avg_comparisons as avg_comparisons
from statdl.api.margins import avg_predictions as avg_predictions
from statdl.api.margins import avg_slopes as avg_slopes
from statdl.api.margins import comparisons as comparisons
from statdl.api.margins import datagrid as datagrid
from statdl.api.margins import predictions as predictions
from statdl.api.margins import slopes as slopes
from statdl.api.inference import add1 as add1
from statdl.api.inference import adjust as adjust
from statdl.api.inference import delta as delta
from statdl.api.inference import drop1 as drop1
from statdl.api.inference import step as step
from statdl.api.inference import wald as wald
from statdl.api.network import mlp as mlp
from statdl.api.regression import glm as glm
from statdl.api.regression import lm as lm
from statdl.api.regression import multinom as multinom
from statdl.api.storage import load as load
from statdl.api.studies import compare as compare
from statdl.api.studies import hidden_layer_test as hidden_layer_test
from statdl.api.studies import select_hidden as select_hidden
from statdl.api.tables import augment as augment
from statdl.api.tables import glance as glance
from statdl.api.tables import tidy as tidy
from statdl.api.verbs import AIC as AIC
from statdl.api.verbs import BIC as BIC
from statdl.api.verbs import anova as anova
from statdl.api.verbs import coef as coef
from statdl.api.verbs import confint as confint
from statdl.api.verbs import deviance as deviance
from statdl.api.verbs import df_residual as df_residual
from statdl.api.verbs import effects as effects
from statdl.api.verbs import fitted as fitted
from statdl.api.verbs import formula as formula
from statdl.api.verbs import logLik as logLik
from statdl.api.verbs import model_matrix as model_matrix
from statdl.api.verbs import nobs as nobs
from statdl.api.verbs import predict as predict
from statdl.api.verbs import residuals as residuals
from statdl.api.verbs import summary as summary
from statdl.api.verbs import update as update
from statdl.api.verbs import vcov as vcov
from statdl.backend.device import device as device
from statdl.errors import ConvergenceWarning as ConvergenceWarning
from statdl.errors import DataError as DataError
from statdl.errors import DeviceError as DeviceError
from statdl.errors import FormulaError as FormulaError
from statdl.errors import MissingPackageError as MissingPackageError
from statdl.errors import ModelError as ModelError
from statdl.errors import NotPositiveDefiniteError as NotPositiveDefiniteError
from statdl.errors import NumericalError as NumericalError
from statdl.errors import RankWarning as RankWarning
from statdl.errors import SeparationWarning as SeparationWarning
from statdl.errors import StatdlError as StatdlError
from statdl.errors import StatdlWarning as StatdlWarning
from statdl.infer.covariance import Covariance as Covariance
from statdl.model.penalty import Ridge as Ridge
from statdl.results.choice import Stepwise as Stepwise
from statdl.results.fit import Fit as Fit
from statdl.results.network import NetworkFit as NetworkFit
from statdl.solve.checkpoint import Checkpoint as Checkpoint
from statdl.solve.descent import GradientDescent as GradientDescent
from statdl.solve.lbfgs import LBFGS as LBFGS
from statdl.solve.newton import LeastSquares as LeastSquares
from statdl.solve.newton import Newton as Newton
from statdl.solve.rule import SGD as SGD
from statdl.solve.rule import AdaGrad as AdaGrad
from statdl.solve.rule import Adam as Adam
from statdl.solve.rule import AdamW as AdamW
from statdl.solve.rule import Momentum as Momentum
from statdl.solve.rule import Nesterov as Nesterov
from statdl.solve.rule import RMSProp as RMSProp
from statdl.solve.schedule import Constant as Constant
from statdl.solve.schedule import Exponential as Exponential
from statdl.solve.schedule import PowerOfTen as PowerOfTen
from statdl.solve.schedule import Steps as Steps
from statdl.solve.trust import TrustRegion as TrustRegion
from statdl.study.selection import Selection as Selection

__version__: str
__all__: list[str]
