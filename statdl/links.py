"""Links g between the mean μ of a response and the predictor, η = g(μ), as objects.

========================= =========== ====================== ==========================
class                     name        η                      families, defaults in bold
========================= =========== ====================== ==========================
``Identity``              "identity"  μ                      **gaussian**, poisson, gamma
``Log``                   "log"       log μ                  **poisson**, gaussian, gamma
``Sqrt``                  "sqrt"      √μ                     poisson
``Inverse``               "inverse"   1/μ                    **gamma**, gaussian
``Logit``                 "logit"     log(μ/(1 − μ))         **binomial**, multinomial
``Probit``                "probit"    Φ⁻¹(μ)                 binomial
``Cauchit``               "cauchit"   tan(π(μ − ½))          binomial
``ComplementaryLogLog``   "cloglog"   log(−log(1 − μ))       binomial
========================= =========== ====================== ==========================

Examples
--------
>>> import numpy as np
>>> import statdl as sd
>>> sd.links.Probit().mean(np.asarray([-1.96, 0.0, 1.96])).round(3)
array([0.025, 0.5  , 0.975])
>>> cars = sd.datasets.load("mtcars")
>>> fit = sd.glm("am ~ wt", data=cars, family="binomial", link=sd.links.Probit())
>>> fit.params.round(3).to_dict()
{'Intercept': 6.726, 'wt': -2.258}
"""

from __future__ import annotations

from statdl.model.link import (
    Cauchit,
    ComplementaryLogLog,
    Identity,
    Inverse,
    Log,
    Logit,
    Probit,
    Sqrt,
)

__all__ = [
    "Cauchit",
    "ComplementaryLogLog",
    "Identity",
    "Inverse",
    "Log",
    "Logit",
    "Probit",
    "Sqrt",
]
