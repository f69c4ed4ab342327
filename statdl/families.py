"""Distributions of a response, as objects to hand to :func:`statdl.glm` and :func:`statdl.mlp`.

``family=sd.families.Poisson(link=sd.links.Sqrt())`` says what ``family="poisson", link="sqrt"``
does. Each family states its domain, links, density and reference distribution. The multinomial is
that of :func:`statdl.multinom`, and of networks.

Examples
--------
>>> import statdl as sd
>>> warp = sd.datasets.load("warpbreaks")
>>> fit = sd.glm("breaks ~ tension", data=warp, family=sd.families.Poisson(link=sd.links.Sqrt()))
>>> fit.family
Poisson(link=sqrt)
>>> print(fit.params.round(3).to_string())
Intercept       6.032
tension[T.M]   -0.895
tension[T.H]   -1.378
"""

from __future__ import annotations

from statdl.model.categorical import Binomial, Multinomial
from statdl.model.exponential import Gamma, Gaussian, Poisson

__all__ = ["Binomial", "Gamma", "Gaussian", "Multinomial", "Poisson"]
