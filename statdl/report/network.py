"""The summary of a network, in the layout of a regression's."""

from __future__ import annotations

from statdl.infer.goodness import Goodness
from statdl.report.format import integer, number, significant
from statdl.report.table import Pairs, Summary


def network_summary(goodness: Goodness, level: float) -> Summary:
    """Return architecture, convergence, identification and fit."""
    estimate = goodness.estimate
    plan = estimate.specification.plan
    assert plan is not None
    units = " → ".join(
        str(count)
        for count in (
            plan.network.inputs,
            *(h.units for h in plan.network.hidden),
            estimate.outputs,
        )
    )
    head = Pairs(
        left=(
            ("Dep. Variable:", estimate.frame.response.name),
            ("Model:", f"Network {units}"),
            ("Model Family:", estimate.family.name.capitalize()),
            ("Method:", estimate.convergence.method),
            ("Converged:", "yes" if estimate.convergence.converged else "NO"),
            ("No. Observations:", integer(estimate.nobs)),
        ),
        right=(
            ("Weights:", integer(plan.network.size)),
            ("Effective df:", number(estimate.degrees_of_freedom, 2)),
            ("Information:", estimate.identification.value),
            ("Log-Likelihood:", significant(goodness.llf, 5)),
            ("AIC:", significant(goodness.aic)),
            ("BIC:", significant(goodness.bic)),
        ),
    )
    return Summary("Neural Network Results", (head,))
