"""Formulas in R's and Python's spelling: what they mean and how errors point at the place."""

import warnings

import numpy as np
import pandas as pd
import pytest

from statdl.errors import FormulaError, StatdlWarning
from statdl.formula import model_frame, update_formula
from statdl.formula.syntax import scan, spelling
from statdl.formula.terms import parse

COLUMNS = ("y", "n", "a", "b", "c", "x", "Sepal.Length", "my col", "class", "log", "C", "scale")


def terms(formula):
    return [":".join(term) for term in parse(formula, COLUMNS).terms]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("y ~ x", ["x"]),
        ("y~x+a", ["x", "a"]),
        ("y ~ a*b", ["a", "b", "a:b"]),
        ("y ~ a:b", ["a:b"]),
        ("y ~ b:a + a:b", ["b:a"]),
        ("y ~ a*b*c - a:b:c", ["a", "b", "c", "a:b", "a:c", "b:c"]),
        ("y ~ (a + b + c)^2", ["a", "b", "c", "a:b", "a:c", "b:c"]),
        ("y ~ (a + b)**2 - a:b", ["a", "b"]),
        ("y ~ (a + b + c)^9", ["a", "b", "c", "a:b", "a:c", "b:c", "a:b:c"]),
        ("y ~ a/b", ["a", "a:b"]),
        ("y ~ (a + b)/c", ["a", "b", "a:b:c"]),
        ("y ~ b %in% a", ["b:a"]),
        ("y ~ a/b/c", ["a", "a:b", "a:b:c"]),
        ("y ~ a:b*c", ["c", "a:b", "a:b:c"]),
        ("y ~ a^2:b", ["a:b"]),
        ("y ~ a + a + a", ["a"]),
        ("y ~ a:b + c", ["c", "a:b"]),
        ("y ~ a - a", []),
        ("y ~ a + b - a", ["b"]),
        ("y ~ (a + b) * x", ["a", "b", "x", "a:x", "b:x"]),
        ("y ~ a + (b - a)", ["a", "b"]),
        ("y ~ log( x )", ["log(x)"]),
        ("y ~ log(x)+log( x )", ["log(x)"]),
        ("y ~ I(x^2) + I( x ** 2)", ["I(x^2)", "I(x ** 2)"]),
        ("y ~ I(-x+2)", ["I(-x + 2)"]),
        ("y ~ I(x>0&a %in% c(1,2))", ["I(x > 0 & a %in% c(1, 2))"]),
        ("y ~ Sepal.Length + log(Sepal.Length)", ["Sepal.Length", "log(Sepal.Length)"]),
        ("y ~ `my col` + log(`my col`)", ["my col", "log(`my col`)"]),
        ("y ~ `x`", ["x"]),
        ("class ~ factor(class) + x", ["factor(class)", "x"]),
        ("y ~ log + log(log) + C + C(C)", ["log", "log(log)", "C", "C(C)"]),
        ("y ~ poly(x, 3L)", ["poly(x, 3)"]),
        ('y ~ C(a, contr.treatment("b"))', ['C(a, contr.treatment("b"))']),
    ],
)
def test_terms_in_the_users_spelling(formula, expected):
    assert terms(formula) == expected


@pytest.mark.parametrize(
    ("formula", "intercept"),
    [
        ("y ~ x", True),
        ("y ~ 1", True),
        ("y ~ x - 1", False),
        ("y ~ -1 + x", False),
        ("y ~ 0 + x", False),
        ("y ~ x + 0", False),
        ("y ~ x + -1", False),
        ("y ~ x - 0", True),
        ("y ~ x - 1 + 1", True),
        ("y ~ 0", False),
    ],
)
def test_intercept(formula, intercept):
    assert parse(formula, COLUMNS).intercept is intercept


def test_the_dot_is_every_column_outside_of_the_response():
    columns = ("y", "n", "a", "x y")
    assert parse("y ~ .", columns).terms == (("n",), ("a",), ("x y",))
    assert parse("log(y) ~ . - a", columns).terms == (("n",), ("x y",))
    assert parse("cbind(y, n) ~ .", columns).terms == (("a",), ("x y",))
    assert len(parse("y ~ .^2", columns).terms) == 6
    assert parse("y ~ . + log(n)", columns).terms[-1] == ("log(n)",)
    with pytest.raises(FormulaError, match="there are none"):
        parse("y ~ .", ("y",))


def test_offsets_are_taken_out_of_the_terms():
    parsed = parse("y ~ x + offset(log(n)) + (a + offset(b))", COLUMNS)
    assert [offset.text for offset in parsed.offsets] == ["offset(log(n))", "offset(b)"]
    assert terms("y ~ x + offset(log(n))") == ["x"]
    with pytest.raises(FormulaError, match=r"an offset cannot be crossed .*`x:offset\(n\)`"):
        parse("y ~ x * offset(n)", COLUMNS)


@pytest.mark.parametrize(
    ("formula", "words", "place"),
    [
        ("y ~ x +", "a term is missing at the end", 6),
        ("y ~ + ", "a term is missing", 4),
        ("y ~ x a", "Missing operator between `x` and `a`", 4),
        ("y ~ (x", r"`\(` is never closed", 4),
        ("y ~ x)", r"`\)` closes nothing", 5),
        ("y ~ x]", r"`\]` is not expected", 5),
        ("y ~ log(x", r"`log\(x` is not complete", 4),
        ("y ~ 2*x", r"I\(2\*x\)", 4),
        ("y ~ x + 3", r"only 0 and 1", 8),
        ("y ~ x & a", "`&` is not expected", 6),
        ("y ~ x > 3", "arithmetic is written inside", 6),
        ("y ~ 'x'", "text is not a term", 4),
        ("y ~ (a + b)^x", "positive integer", 12),
        ("y ~ (a + b)^0", "whole number from 1", 12),
        ("y ~ (a + b)^1.5", "whole number from 1", 12),
        ("y ~ (a + b)^-1", r"missing beside `\^`", 11),
        ("y ~ `x", "quote ` is never closed", 4),
        ("y ~ log('x)", "quote ' is never closed", 8),
        ("y ~ x # z", "'#' has no meaning", 6),
        ("y ~ 2x", "number runs into a name", 4),
        ("y ~ log(x,, a)", "is not complete", 4),
        ("y ~ I(a:b)", "`:` crosses terms", 7),
        ("y ~ x <- 3", "`<-` is not expected", 6),
        ("y ~", "nothing stands on the right", 3),
        ("y ~ ()", "a term is missing", 6),
        ("y ~ (x - 1)", "not inside of brackets", 9),
        ("y ~ a*-x", r"missing beside `\*`", 5),
    ],
)
def test_syntax_errors_mark_the_place(formula, words, place):
    with pytest.raises(FormulaError, match=words) as caught:
        parse(formula, COLUMNS)
    *_, shown, mark = str(caught.value).splitlines()
    assert shown == "    " + formula
    assert mark == "    " + " " * place + "^"


@pytest.mark.parametrize("formula", ["y", "~ x", "x + a", "", "   "])
def test_a_formula_needs_a_response(formula):
    with pytest.raises(FormulaError, match="no response"):
        parse(formula, COLUMNS)


def test_a_formula_has_one_tilde():
    with pytest.raises(FormulaError, match="a second `~`"):
        parse("y ~ x ~ a", COLUMNS)


@pytest.mark.parametrize("formula", [3, None, ["y ~ x"]])
def test_a_formula_is_text(formula):
    with pytest.raises(FormulaError, match="a formula is text such as"):
        model_frame(formula, {"y": [1.0], "x": [2.0]})


def test_unknown_columns_come_with_a_suggestion_and_the_columns():
    with pytest.raises(FormulaError, match=r"unknown column `Sepal.Lenght` in") as caught:
        parse("y ~ Sepal.Lenght", COLUMNS)
    assert "Did you mean `Sepal.Length`?" in str(caught.value)
    assert "The data have: y, n, a, b, c, x" in str(caught.value)
    with pytest.raises(FormulaError, match="Did you mean `x`"):
        parse("y ~ log(X)", COLUMNS)


def test_functions_out_of_the_list_name_the_list():
    with pytest.raises(FormulaError, match=r"lgo\(\) is not a transform.*Available: .*log"):
        parse("y ~ lgo(x)", COLUMNS)


def test_the_square_of_a_name_is_explained():
    data = {"y": [1.0, 2.0, 4.0], "x": [1.0, 2.0, 3.0]}
    with pytest.warns(StatdlWarning, match=r"write I\(x\^2\) for the power"):
        model_frame("y ~ x^2", data)
    with pytest.warns(StatdlWarning, match="write I"):
        model_frame("y ~ x^2", data)  # also when the formula was read before


def test_the_response_is_left_out_of_the_predictors():
    data = {"y": [1.0, 2.0, 4.0], "x": [1.0, 2.0, 3.0]}
    with pytest.warns(StatdlWarning, match="the response `y`"):
        frame = model_frame("y ~ x + y", data)
    assert frame.design.names == ("x",)


@pytest.mark.parametrize(
    ("typed", "spelled"),
    [
        ("log( x )", "log(x)"),
        ("a+b", "a + b"),
        ("a  *b", "a * b"),
        ("a : b", "a:b"),
        ("x ^ 2", "x^2"),
        ("- 1 + x", "-1 + x"),
        ("f(a,b , c=1)", "f(a, b, c=1)"),
        ("f(c = -1)", "f(c=-1)"),
        ("(a+b)^2", "(a + b)^2"),
        ("a*(b+c)", "a * (b + c)"),
        ("! a & b", "!a & b"),
        ("[1 , 2]", "[1, 2]"),
    ],
)
def test_spelling_is_uniform(typed, spelled):
    assert spelling(scan(typed)) == spelled
    assert spelling(scan(spelled)) == spelled


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("y ~ x", ". ~ . + z", "y ~ x + z"),
        ("y ~ x + z", ". ~ . - z", "y ~ x"),
        ("y ~ x", "log(.) ~ .", "log(y) ~ x"),
        ("y ~ x", "z ~ .", "z ~ x"),
        ("y ~ x", "~ . + I(x^2)", "y ~ x + I(x^2)"),
        ("y ~ x", ". ~ 1", "y ~ 1"),
        ("y ~ x", ". ~ . - 1", "y ~ x - 1"),
        ("y ~ x - 1", ". ~ . + 1", "y ~ x"),
        ("y ~ x", ". ~ 0", "y ~ 0"),
        ("y ~ a*b", ". ~ . - a:b", "y ~ a + b"),
        ("y ~ a + b", ". ~ .^2", "y ~ a + b + a:b"),
        ("y ~ a + b", ". ~ .:x", "y ~ a:x + b:x"),
        ("y ~ a + offset(n)", ". ~ . - offset(n)", "y ~ a"),
        ("y ~ .", ". ~ . - a", "y ~ . - a"),
        ("y ~ . - 1", ". ~ . + log(x)", "y ~ . - 1 + log(x)"),
        ("y ~ x - 1", ". ~ .^2 + z", "y ~ x + z - 1"),
        ("y ~ 1", ". ~ . + x", "y ~ x"),
        ("y/n ~ x", "log(.) ~ .", "log(y / n) ~ x"),
        ("y ~ `my col`", ". ~ . + x", "y ~ `my col` + x"),
        ("y ~ Sepal.Length", ". ~ . + x", "y ~ Sepal.Length + x"),
        ("cbind(a, b) ~ x", ". ~ . + z", "cbind(a, b) ~ x + z"),
    ],
)
def test_update_is_that_of_r(old, new, expected):
    assert update_formula(old, new) == expected


def test_update_refuses_what_the_gate_refuses():
    with pytest.raises(FormulaError, match="__import__"):
        update_formula("y ~ x", ". ~ . + __import__('os')")


def test_reading_a_good_formula_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model_frame("y ~ I(x^2) + (x + z)^2", pd.DataFrame(np.eye(3), columns=list("yxz")))
