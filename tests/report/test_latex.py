"""Documents as LaTeX."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import statdl as sd
from statdl.report.latex import escape, value
from statdl.report.table import DataTable, Summary


def has_latex() -> bool:
    if shutil.which("pdflatex") is None or shutil.which("kpsewhich") is None:
        return False
    return subprocess.run(["kpsewhich", "booktabs.sty"], capture_output=True).returncode == 0


SPECIAL = re.compile(r"(?<!\\)(?:\\\\)*[&%#_]")


@pytest.mark.parametrize(
    ("plain", "escaped"),
    [
        ("50%", r"50\%"),
        ("a_b", r"a\_b"),
        ("a & b", r"a \& b"),
        ("#1", r"\#1"),
        ("{x}", r"\{x\}"),
        ("\\d", r"\textbackslash{}d"),
        ("y ~ x^2", r"y $\sim$ x\textasciicircum{}2"),
        ("$5", r"\$5"),
        ("P>|t|", "P$>$$|$t$|$"),
        ("a---b", "a-{}-{}-b"),
        ("mean of −log L", "mean of $-$log L"),
        ("(I + Λ)⁻¹ I, β to ±∞", r"(I + $\Lambda$)$^{-1}$ I, $\beta$ to ±$\infty$"),
        ("‖β‖ ≤ √λ → XᵀX", r"$\|$$\beta$$\|$ $\le$ $\surd$$\lambda$ $\to$ X$^{T}$X"),
    ],
)
def test_escape(plain: str, escaped: str) -> None:
    assert escape(plain) == escaped


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("35.8460", "35.8460"),
        ("-3.3590", "$-$3.3590"),
        ("<0.001", "$<$0.001"),
        ("4.9e-11", r"$4.9\times10^{-11}$"),
        ("-1.08e+06", r"$-1.08\times10^{6}$"),
        ("<1e-300", r"$<1\times10^{-300}$"),
        ("-inf", "$-$inf"),
        ("97.5%", r"97.5\%"),
        ("NA", "NA"),
        ("", ""),
        ("a-b", "a-b"),
    ],
)
def test_value(text: str, expected: str) -> None:
    assert value(text) == expected


@given(st.text())
def test_escaped_text_has_no_bare_specials_and_balanced_braces(text: str) -> None:
    escaped = escape(text)
    assert not SPECIAL.search(escaped)
    bare = re.sub(r"\\[{}$]", "", escaped)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0


def test_golden(golden: Callable[[str, str], None], linear: Summary, comparison: DataTable) -> None:
    golden("linear.tex", linear.to_latex(label="tab:mpg"))
    golden("comparison.tex", comparison.to_latex())


def test_environments_are_balanced(hostile: Summary, multinomial: Summary) -> None:
    for summary in (hostile, multinomial):
        open_ones: list[str] = []
        for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", summary.to_latex()):
            if kind == "begin":
                open_ones.append(name)
            else:
                assert open_ones.pop() == name
        assert not open_ones


def test_a_bracket_is_not_read_as_the_option_of_a_row(hostile: Summary) -> None:
    assert "\n{}[1] & * \\\\" in hostile.to_latex()


@pytest.mark.skipif(not has_latex(), reason="needs pdflatex and booktabs")
def test_latex_compiles(
    tmp_path: Path,
    linear: Summary,
    multinomial: Summary,
    comparison: DataTable,
    hostile: Summary,
) -> None:
    cars = sd.datasets.load("mtcars")
    fit = sd.glm("am ~ wt", data=cars, family="binomial")
    shown = (
        fit.update(penalty=1.0).summary(),
        sd.compare(fit, exponentiate=True, stars=True),
        sd.mlp("mpg ~ wt", data=cars, hidden=1, decay=0.1).summary(),
        fit.separation(),
    )
    reports = (linear, multinomial, comparison, hostile, *shown)
    body = "\n".join(report.to_latex() for report in reports)
    source = (
        "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n"
        + body
        + "\n\\end{document}\n"
    )
    (tmp_path / "paper.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
