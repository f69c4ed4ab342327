from statdl.study import stepwise as stepwise
from statdl.study.covariance import under as under
from statdl.study.parametric import ratio_table as ratio_table
from statdl.study.parity import Parity as Parity
from statdl.study.parity import parity as parity
from statdl.study.prediction import Resampling as Resampling
from statdl.study.prediction import resampled_prediction as resampled_prediction

__all__: list[str]
