"""Columns of X: the same as formulaic's, and of full rank by construction."""

import pickle

import formulaic
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statdl.errors import DataError, FormulaError
from statdl.formula import model_frame

N = 80


def _data():
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "y": rng.normal(size=N),
            "x": rng.normal(size=N),
            "z": rng.uniform(1, 2, size=N),
            "a": rng.choice(list("uvw"), N),
            "b": rng.choice(list("pq"), N),
            "k": rng.choice([4, 6, 8], N),
        }
    )


DATA = _data()

FORMULAS = [
    "y ~ x",
    "y ~ a",
    "y ~ a - 1",
    "y ~ 0 + a + b",
    "y ~ a*b",
    "y ~ a:b",
    "y ~ a:b - 1",
    "y ~ x:a",
    "y ~ x:a - 1",
    "y ~ x*a - 1",
    "y ~ a*b*x",
    "y ~ a + a:b",
    "y ~ b:x + a:b - 1",
    "y ~ (a + b + x)**2 - 1",
    "y ~ a/b",
    "y ~ C(k)",
    "y ~ C(k)*a - 1",
    "y ~ C(a, contr.sum)",
    "y ~ C(a, contr.sum):b - 1",
    "y ~ C(a, contr.treatment('v'))",
    "y ~ C(a, contr.treatment('v')) - 1",
    "y ~ C(a, contr.treatment(base='w')) * x",
    "y ~ C(a, Treatment(reference='w'))",
    "y ~ C(a, contr.helmert) * b",
    "y ~ C(a, contr.poly):x",
    "y ~ C(a, contr.diff) + 0",
    "y ~ C(a, contr.SAS)",
    "y ~ C(a, levels=['w', 'v', 'u'])",
    "y ~ poly(x, 3)",
    "y ~ poly(x, 3):a",
    "y ~ bs(x, df=5)",
    "y ~ bs(x, df=6, degree=2) * a",
    "y ~ bs(x, knots=[-0.5, 0.5])",
    "y ~ cr(x, df=4)",
    "y ~ cc(x, df=4)",
    "y ~ cs(x, df=4)",
    "y ~ scale(x) + center(z) + standardize(x)",
    "y ~ poly(scale(log(z)), 2)",
    "y ~ np.log(z) + I(x**2) + np.exp(x) + log10(z)",
]


def oracle(formula, data=DATA):
    matrix = formulaic.model_matrix(formula, data).rhs
    names, values = list(matrix.columns), matrix.to_numpy(dtype=float)
    if names and names[0] == "Intercept":
        names, values = names[1:], values[:, 1:]
    return names, values


@pytest.mark.parametrize("formula", FORMULAS)
def test_columns_are_formulaics(formula):
    frame = model_frame(formula, DATA)
    names, values = oracle(formula)
    assert list(frame.design.names) == names
    np.testing.assert_allclose(frame.X, values, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("formula", FORMULAS)
def test_designs_encode_their_own_data_alike_also_after_pickling(formula):
    frame = model_frame(formula, DATA)
    rows = slice(None) if frame.rows is None else frame.rows
    np.testing.assert_array_equal(frame.design.encode(DATA).X[rows], frame.X)
    again = pickle.loads(pickle.dumps(frame.design))
    assert again.coefficient_names == frame.design.coefficient_names
    np.testing.assert_array_equal(again.encode(DATA).X[rows], frame.X)


@pytest.mark.parametrize("formula", FORMULAS)
def test_rows_are_encoded_one_by_one_as_together(formula):
    design = model_frame(formula, DATA).design
    whole = design.encode(DATA.iloc[:5]).X
    single = np.vstack([design.encode(DATA.iloc[[row]]).X for row in range(5)])
    np.testing.assert_allclose(single, whole, rtol=1e-12, atol=1e-14)


ATOMS = st.sampled_from(["x", "z", "a", "b", "C(k)", "log(z)"])
TERM = st.lists(ATOMS, min_size=1, max_size=3, unique=True).flatmap(
    lambda atoms: st.sampled_from([":".join(atoms), "*".join(atoms), "/".join(atoms)])
)


@settings(max_examples=120, deadline=None)
@given(st.lists(TERM, min_size=1, max_size=3), st.booleans())
def test_any_formula_gives_formulaics_columns_and_full_rank(parts, intercept):
    formula = "y ~ " + " + ".join(parts) + ("" if intercept else " - 1")
    frame = model_frame(formula, DATA)
    names, values = oracle(formula)
    assert list(frame.design.names) == names
    np.testing.assert_allclose(frame.X, values, atol=1e-12)
    covered = [column for term in frame.design.terms for column in term.columns]
    assert covered == list(range(frame.X.shape[1]))


def test_terms_know_their_factors_and_columns():
    terms = model_frame("y ~ a*x + poly(z, 2)", DATA).design.terms
    assert [term.name for term in terms] == ["a", "x", "poly(z, 2)", "a:x"]
    assert [term.columns for term in terms] == [(0, 1), (2,), (3, 4), (5, 6)]
    assert terms[0].factors < terms[3].factors == {"a", "x"}


def test_factor_is_c_and_keeps_the_users_spelling():
    one, other = model_frame("y ~ factor(k)", DATA), model_frame("y ~ C(k)", DATA)
    assert one.design.names == ("factor(k)[T.6]", "factor(k)[T.8]")
    assert one.design.levels == {"factor(k)": (4, 6, 8)}
    np.testing.assert_array_equal(one.X, other.X)


def test_levels_of_integers_stay_integers_next_to_missing_values():
    data = DATA.assign(k=DATA["k"].where(DATA.index != 3))
    assert model_frame("y ~ factor(k)", data).design.names == ("factor(k)[T.6]", "factor(k)[T.8]")


def test_levels_read_as_r_prints_them():
    data = {"y": [1.0, 2.0, 4.0, 3.0], "dose": [0.5, 1.0, 2.0, 0.5]}
    assert model_frame("y ~ factor(dose)", data).design.names == (
        "factor(dose)[T.1]",
        "factor(dose)[T.2]",
    )


def test_raw_powers_are_numbered_from_one():
    frame = model_frame("y ~ poly(x, 2, raw=True)", DATA)
    assert frame.design.names == ("poly(x, 2, raw=True)[1]", "poly(x, 2, raw=True)[2]")
    np.testing.assert_allclose(frame.X, np.column_stack([DATA["x"], DATA["x"] ** 2]))


def test_truth_values_are_a_factor_on_the_right():
    frame = model_frame("y ~ I(x > 0)", DATA)
    assert frame.design.names == ("I(x > 0)[T.True]",)
    np.testing.assert_array_equal(frame.X[:, 0], DATA["x"] > 0)


def test_order_of_levels_can_be_given():
    frame = model_frame("y ~ factor(a, levels=c('w', 'u', 'v')) + relevel(b, ref='q')", DATA)
    assert frame.design.levels["factor(a, levels=c('w', 'u', 'v'))"] == ("w", "u", "v")
    assert frame.design.names[-1] == "relevel(b, ref='q')[T.p]"


def test_contrasts_that_do_not_fit_are_explained():
    with pytest.raises(FormulaError, match=r"base='nope'.* does not fit a factor of 3 levels"):
        model_frame("y ~ C(a, contr.treatment('nope'))", DATA)
    with pytest.raises(FormulaError, match="second argument is a contrast"):
        model_frame("y ~ C(a, x)", DATA)
    with pytest.raises(FormulaError, match="takes from 0 to 1"):
        model_frame("y ~ C(a, contr.treatment(1, 2, 3))", DATA)
    with pytest.raises(FormulaError, match="does not fit a factor of 3 levels"):
        model_frame("y ~ C(a, [[1, 0], [0, 1]])", DATA)
    with pytest.raises(DataError, match="values that are not among its levels: 'w'"):
        model_frame("y ~ C(a, levels=['u', 'v'])", DATA)


def test_own_contrast_matrices():
    frame = model_frame("y ~ C(a, [[1, 0], [0, 1], [-1, -1]])", DATA)
    codes = pd.Categorical(DATA["a"]).codes
    np.testing.assert_array_equal(frame.X, np.array([[1, 0], [0, 1], [-1, -1]])[codes])


def test_recoding_changes_the_coding_and_not_the_space():
    frame = model_frame("y ~ a*x + C(b, contr.treatment('q')) + poly(z, 2)", DATA)
    sums = frame.recode("sum")
    assert sums.design.names[:2] == ("a[S.u]", "a[S.v]")
    explicit = "C(b, contr.treatment('q'))[T.p]"
    assert explicit in sums.design.names
    one = np.column_stack([np.ones(N), frame.X])
    other = np.column_stack([np.ones(N), sums.X])
    rank = np.linalg.matrix_rank
    assert rank(one) == rank(other) == rank(np.hstack([one, other])) == one.shape[1]
    np.testing.assert_array_equal(sums.design.encode(DATA).X, sums.X)
    np.testing.assert_array_equal(sums.recode("treatment").X, frame.X)
    assert [t.name for t in sums.design.terms] == [t.name for t in frame.design.terms]
    assert sums.response is frame.response
    expected = formulaic.model_matrix("y ~ C(a, contr.sum)", DATA).rhs.to_numpy()[:, 1:]
    np.testing.assert_allclose(sums.X[:, :2], expected)


def test_recoding_keeps_the_dropped_rows_dropped_and_ignores_later_changes():
    data = DATA.copy()
    data.loc[[2, 5], "x"] = np.nan
    frame = model_frame("y ~ a + x:b", data)
    before = frame.recode("sum").X.copy()
    data["x"] = 0.0
    np.testing.assert_array_equal(frame.recode("sum").X, before)
    assert len(before) == N - 2
    with pytest.raises(FormulaError, match="contrast='odd' is not known"):
        frame.recode("odd")


def test_a_factor_with_one_level_is_named():
    with pytest.raises(DataError, match=r"the factor `a` has only 'u'.*2 or more levels"):
        model_frame("y ~ a + x", DATA[DATA["a"] == "u"])


def test_a_column_may_not_be_called_intercept_beside_one():
    data = {"y": [1.0, 2.0, 3.0], "Intercept": [1.0, 1.0, 2.0]}
    with pytest.raises(DataError, match="belongs to the constant"):
        model_frame("y ~ Intercept", data)
    assert model_frame("y ~ Intercept - 1", data).design.names == ("Intercept",)


def test_legendre_is_on_the_range_that_was_seen():
    frame = model_frame("y ~ legendre(x, 4)", DATA)
    x = np.asarray(DATA["x"], dtype=float)
    inside = 2 * (x - x.min()) / (x.max() - x.min()) - 1
    expected = np.polynomial.legendre.legvander(inside, 4)[:, 1:] * np.sqrt([3, 5, 7, 9])
    np.testing.assert_allclose(frame.X, expected, atol=1e-12)
    new = {"x": x[:2] + 0.1}
    again = frame.design.encode(new).X
    shifted = inside[:2] + 0.2 / (x.max() - x.min())
    np.testing.assert_allclose(again[:, 0], shifted * np.sqrt(3), atol=1e-12)
