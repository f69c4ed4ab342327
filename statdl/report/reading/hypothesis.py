"""The sentence of a test."""

from __future__ import annotations

from statdl.infer.hypothesis import HypothesisTest
from statdl.report.reading.words import Reading, against, degrees, p_words, sentence, value


def read_test(test: HypothesisTest, level: float = 0.95) -> Reading:
    """Return what a test says of its null hypothesis.

    Examples
    --------
    >>> found = HypothesisTest("RESET test", "RESET", 0.86, {"df1": 2, "df2": 21}, 0.436,
    ...                        "the mean is linear in the columns of the model.")
    >>> print(read_test(found).text)
    At the 5 % level the data are compatible with the hypothesis that the mean is linear in the
    columns of the model (RESET = 0.860, df = 2, 21, p = 0.44).
    """
    said = against(test.p_value, level, f"that {test.null.rstrip('.')}")
    numbers = [f"{test.symbol} = {value(test.statistic)}"]
    if test.parameters:
        numbers.append(f"df = {degrees(*test.parameters.values())}")
    numbers.append(p_words(test.p_value))
    return Reading(test.method, f"{sentence(said)} ({', '.join(numbers)}).")
