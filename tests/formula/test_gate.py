"""The gate: what formulas may hold, and that nothing else is ever run."""

import ast
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statdl.errors import FormulaError, StatdlError
from statdl.formula import model_frame
from statdl.formula.gate import FUNCTIONS, admit, identifier
from statdl.formula.transforms import OPERATORS, environment

DATA = pd.DataFrame(
    {
        "y": [1.0, 3.0, 2.0, 5.0, 4.0, 6.5],
        "x": [0.5, 1.0, 2.0, 1.5, 3.0, 2.5],
        "g": ["u", "v", "u", "v", "u", "v"],
    }
)

ATTACKS = [
    ("y ~ __import__('os')", "__import__"),
    ("y ~ I(__import__('os').system('true'))", "__import__"),
    ("y ~ x.values", "attribute access"),
    ("y ~ log(x.values)", "attribute access"),
    ("y ~ I(x.__class__)", "attribute access"),
    ("y ~ I(().__class__)", "attribute|unknown column|complete expression"),
    ("y ~ I((x).real)", "attribute|complete expression|unknown column"),
    ("y ~ np.load('secret')", "attribute access"),
    ("y ~ np.linalg.norm(x)", "attribute access"),
    ("y ~ I(lambda: 1)", "`lambda` is not allowed"),
    ("y ~ I((lambda: 1)())", "`lambda` is not allowed"),
    ("y ~ lambda", "`lambda` is not allowed"),
    ("y ~ x[0]", "subscript"),
    ("y ~ I(x[0])", "subscript"),
    ("y ~ log(x)[0]", "subscript"),
    ("y ~ I([q for q in x])", "unknown column `q`"),
    ("y ~ I([x for x in x])", "`for` is not allowed"),
    ("y ~ I(x if x else x)", "`if` is not allowed"),
    ("y ~ I((x := 3))", "`:=` has no meaning"),
    ("y ~ I(f'{x}')", "unknown column `f`"),
    ("y ~ I({x: 1})", "no meaning"),
    ("y ~ {x + 1}", "not expected"),
    ("y ~ I(x; x)", "no meaning"),
    ("y ~ I(*x)", "not a complete expression|unpacked"),
    ("y ~ log(*x)", "unpacked|not a complete"),
    ("y ~ log(**x)", "unpacked|not a complete"),
    ("y ~ 10**10**10", "only 0 and 1"),
    ("y ~ I(10**10**10)", "a power above 64 or a tower"),
    ("y ~ I(10^10^10)", "a tower of powers"),
    ("y ~ I(2**99999)", "a power above 64"),
    ("y ~ I(x**99999)", "a power above 64"),
    ("y ~ eval('1')", r"eval\(\) is not a transform"),
    ("y ~ open('f')", r"open\(\) is not a transform"),
    ("y ~ getattr(x, 'a')", r"getattr\(\) is not a transform"),
    ("y ~ I(eval('1'))", r"eval\(\) is not a transform"),
    ("y ~ log(x)(x)", "Missing operator"),
    ("y ~ I(log(x)(x))", "not a name"),
    ("y ~ I('a'('b'))", "not a name"),
    ("y ~ I(x @ x)", "no meaning"),
    ("y ~ I(1j * x)", "number runs into a name"),
    ("y ~ I(b'x')", "f-string|unknown column"),
    ("y ~ I(yield)", "`yield` is not allowed"),
    ("y ~ I(await x)", "`await` is not allowed"),
    ("eval('1') ~ x", r"eval\(\) is not a transform"),
    ("x.values ~ x", "attribute access"),
]


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize(("formula", "words"), ATTACKS)
def test_what_is_not_listed_is_refused_and_named(formula, words):
    with pytest.raises(FormulaError, match=words):
        model_frame(formula, DATA)


@pytest.mark.parametrize("argument", ["weights", "offset", "subset"])
def test_arguments_in_quotes_pass_the_same_gate(argument):
    with pytest.raises(FormulaError, match=f"{argument}=.*__import__"):
        model_frame("y ~ x", DATA, **{argument: "__import__('os')"})


def test_long_and_deep_formulas_are_refused():
    with pytest.raises(FormulaError, match="characters, more than"):
        model_frame("y ~ " + "x + " * 50_000 + "x", DATA)
    assert model_frame("y ~ " + "(" * 200 + "x" + ")" * 200, DATA).design.names == ("x",)
    with pytest.raises(FormulaError, match=r"nested too deeply|not a complete"):
        model_frame("y ~ I(" + "-" * 20_000 + "x)", DATA)


def test_formulas_that_expand_without_end_are_refused():
    wide = pd.DataFrame(np.ones((2, 30)), columns=[f"v{i}" for i in range(30)]).assign(y=1.0)
    every = " + ".join(f"v{i}" for i in range(30))
    with pytest.raises(FormulaError, match="more than 100,000 products"):
        model_frame(f"y ~ ({every})^30", wide)
    with pytest.raises(FormulaError, match="more than 100,000 products"):
        model_frame("y ~ " + " * ".join(f"v{i}" for i in range(30)), wide)


@pytest.mark.parametrize("call", ["exp(x, y)", "pmax(x, 0, y)", "log(x, 2, y)", "I(x, y)"])
def test_no_argument_writes_into_the_data(call):
    data = DATA.copy()
    with pytest.raises(FormulaError, match="cannot be computed"):
        model_frame(f"y ~ {call}", data)
    pd.testing.assert_frame_equal(data, DATA)


def test_huge_bases_are_refused():
    with pytest.raises(FormulaError, match="a basis of more than 1000 columns"):
        model_frame("y ~ poly(x, 10000000)", DATA)
    with pytest.raises(FormulaError, match="a basis of more than 1000 columns"):
        model_frame("y ~ bs(x, df=10000000)", DATA)
    large = DATA.assign(x=DATA["x"] * 10_000)
    assert model_frame("y ~ bs(x, knots=[20000]) + scale(x, 5000)", large).X.shape == (6, 5)


def test_what_is_listed_is_admitted():
    admit(ast.parse("log(_0) + exp(1)", mode="eval").body, "", frozenset({"_0"}))
    frame = model_frame("y ~ np.log(x) + I((x - 1)**2 / 2) + I(x > 1)", DATA)
    assert frame.design.names == ("np.log(x)", "I((x - 1) ** 2 / 2)", "I(x > 1)[T.True]")


def test_expressions_see_the_admitted_functions_and_nothing_else():
    assert environment().keys() == {identifier(name) for name in FUNCTIONS} | OPERATORS.keys()


@pytest.mark.parametrize("name", [*OPERATORS, "_0", "np", "__FORMULAIC_STATE__", "np_log"])
def test_names_of_the_machinery_are_not_within_reach(name):
    with pytest.raises(FormulaError):
        model_frame(f"y ~ {name}", DATA)
    with pytest.raises(FormulaError):
        model_frame(f"y ~ I({name}(x))", DATA)
    with pytest.raises(FormulaError, match="is not allowed"):
        admit(ast.parse(f"{name} + 1", mode="eval").body, name)


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("s(x)", "bs"),
        ("te(x, y)", "bs"),
        ("lo(x)", "bs"),
        ("cut(x, 3)", "before the fit"),
        ("ifelse(x > 1, 1, 0)", "comparison"),
        ("strata(g)", "factor"),
        ("(1 | g)", "mixed models"),
        ("(x | g)", "mixed models"),
    ],
)
def test_words_of_r_explain_themselves(word, advice):
    with pytest.raises(FormulaError, match=re.escape(advice)):
        model_frame(f"y ~ {word}", DATA)


PIECES = st.sampled_from(
    "y x g ~ + - * / : ^ ** ( ) , . 0 1 2 | & ! = == > [ ] { } @ $ # é ` ' 1e5 99 lambda".split()
    + "log( factor( C( poly( I( offset( c( bs( cbind( df=4 `x` 'u' %in% contr.sum x.y".split()
)


def works_or_explains(formula):
    try:
        frame = model_frame(formula, DATA)
    except StatdlError as error:
        return bool(str(error))
    return frame.X.shape == (len(frame.response.values), len(frame.design.names))


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=12).map(" ".join))
def test_any_right_side_works_or_raises_our_error(right):
    assert works_or_explains(f"y ~ {right}")


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=150, deadline=None)
@given(st.text(max_size=30))
def test_any_text_works_or_raises_our_error(formula):
    assert works_or_explains(formula)
