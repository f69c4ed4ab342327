"""The program, run as people run it: a process with files, pipes and an exit code."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import statdl as sd

INSTALLED = Path(sys.executable).with_name("statdl")
#: The installed program; ``python -m statdl`` where tests run on sources that are not installed.
PROGRAM = [str(INSTALLED)] if INSTALLED.exists() else [sys.executable, "-m", "statdl"]
SOURCES = Path(sd.__file__).parents[1]


def run(*arguments, folder, stdin=b"", **environment):
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        cwd=folder,
        input=stdin,
        capture_output=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONPATH": str(SOURCES), "PYTHONIOENCODING": "utf-8", **environment},
    )


def refused(done, code=1):
    """Return the one sentence of a failure."""
    assert done.returncode == code, done.stderr.decode()
    assert done.stdout == b""
    text = done.stderr.decode()
    assert "Traceback" not in text
    assert text.count("\n") == 1
    assert text.startswith("statdl: ")
    return text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("cli")
    cars = sd.datasets.load("mtcars").reset_index(drop=True)
    cars.to_csv(place / "cars.csv", index=False)
    cars.to_csv(place / "cars2.csv", index=False, sep=";", decimal=",")
    cars.head(3).drop(columns="mpg").to_parquet(place / "new.parquet")
    return place


@pytest.fixture(scope="module")
def fitted(folder):
    """A fit from standard input, saved, reported and printed."""
    return run(
        "fit", "lm", "mpg ~ wt + hp", "-", "--save", "m.statdl", "--report", "r.html",
        folder=folder, stdin=(folder / "cars.csv").read_bytes(),
    )  # fmt: skip


def test_fit_prints_saves_and_reports(fitted, folder):
    assert fitted.returncode == 0
    assert fitted.stderr == b""
    expected = sd.lm("mpg ~ wt + hp", data=pd.read_csv(folder / "cars.csv"))
    assert fitted.stdout.decode() == str(expected.summary()) + "\n"
    assert sd.load(folder / "m.statdl").params.equals(expected.params)
    assert (folder / "r.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_predict_writes_what_the_fit_predicts(fitted, folder):
    options = ("--interval", "prediction", "-o", "out.csv")
    done = run("predict", "m.statdl", "new.parquet", *options, folder=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    new = pd.read_parquet(folder / "new.parquet")
    expected = sd.load(folder / "m.statdl").predict(new, interval="prediction")
    pd.testing.assert_frame_equal(pd.read_csv(folder / "out.csv"), expected, rtol=1e-14)


def test_json_holds_the_numbers_and_separators_are_sniffed(folder):
    done = run("fit", "glm", "am ~ wt", "cars2.csv", "--family", "binomial", "--json",
               folder=folder)  # fmt: skip
    assert done.returncode == 0
    assert b"separated by semicolon, decimal comma" in done.stderr
    found = json.loads(done.stdout)
    fit = sd.glm("am ~ wt", data=sd.datasets.load("mtcars"), family="binomial")
    slope = {row["term"]: row for row in found["estimates"]}["wt"]
    assert slope["estimate"] == pytest.approx(fit.params["wt"], rel=1e-10)
    assert found["measures"]["nobs"] == 32
    assert found["converged"] is True


def test_formulas_pass_the_gate(folder):
    code = "mpg ~ __import__('pathlib').Path('owned').touch()"
    said = refused(run("fit", "lm", code, "cars.csv", folder=folder))
    assert "not a transform that formulas may call" in said
    assert not (folder / "owned").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["fit", "lm", "mpg ~ wtt", "cars.csv"], 1, "Did you mean `wt`?"),
        (["fit", "lm", "mpg ~ wt", "none.csv"], 1, "none.csv: No such file"),
        (["fit", "lm", "mpg ~ wt", "cars.csv", "--report", "no/r.html"], 1, "there is no folder"),
        (["fit", "lm", "mpg ~ wt"], 2, "Missing argument 'DATA'. See: statdl fit lm --help"),
        (["fit", "mlp", "mpg ~ wt", "cars.csv", "--hidden", "a"], 2, "no list of units"),
    ],
)
def test_a_failure_is_one_sentence(folder, arguments, code, words):
    assert words in refused(run(*arguments, folder=folder), code)


def test_a_fit_that_did_not_converge_is_told_by_the_exit_code(folder):
    formula = "am ~ I(wt < 3.3) + gear"
    done = run("fit", "glm", formula, "cars.csv", "--family", "binomial", folder=folder)
    assert done.returncode == 3
    assert done.stderr.startswith(b"statdl: warning: The response is separated")
    assert b"Generalized Linear Model Results" in done.stdout


def test_models_side_by_side(folder):
    done = run("compare", "mpg ~ wt", "mlp: mpg ~ wt", "cars.csv", "--hidden", 1, "--decay", 0.1,
               folder=folder)  # fmt: skip
    assert done.returncode == 0
    assert b"(1) lm(mpg ~ wt)" in done.stdout
    assert b"(2) mlp(mpg ~ wt, hidden=(1,))" in done.stdout


def test_validation_agrees(folder):
    done = run("validate", "lm", "mpg ~ wt", "cars.csv", folder=folder)
    assert done.returncode == 0
    assert b"quantities agree" in done.stdout


def test_help_tells_exit_codes_and_completion(folder):
    done = run("--help", folder=folder)
    assert done.returncode == 0
    for word in ("Exit codes", "interrupted", "_STATDL_COMPLETE=bash_source", "predict"):
        assert word in done.stdout.decode()
    script = run(folder=folder, _STATDL_COMPLETE="zsh_source")
    assert b"#compdef statdl" in script.stdout


def test_demo_shows_four_models(folder):
    done = run("demo", folder=folder)
    assert done.returncode == 0
    text = done.stdout.decode()
    for name in ("Linear Regression", "mlp(", "Generalized Linear Model", "Multinomial Regression"):
        assert name in text


def test_polynomials(folder):
    done = run("polynomial", "mpg ~ wt", "cars.csv", "--degrees", "1-3", folder=folder)
    assert done.returncode == 0
    assert b"Chosen: degree 2" in done.stdout


def test_paths(folder):
    done = run("path", "mpg ~ wt + hp + qsec", "cars.csv", "--at", "bic", folder=folder)
    assert done.returncode == 0
    assert b"Coefficients at lambda" in done.stdout
    assert b"qsec" in done.stdout


def test_a_path_is_validated_reported_and_printed_as_json(folder):
    asked = ("--cv", "5", "--workers", "2", "--at", "1se", "--report", "path.html", "--json")
    done = run("path", "mpg ~ wt + hp + qsec", "cars.csv", *asked, folder=folder)
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["lambda"] == found["lambda_1se"] >= found["lambda_min"]
    assert set(found["coefficients"]) == {"Intercept", "wt", "hp", "qsec"}
    assert {"lambda", "nonzero", "BIC", "deviance", "std err"} <= set(found["path"][0])
    assert found["kkt"] < 1e-7
    assert "lambda_1se" in (folder / "path.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        (("--at", "min"), 2, "--at min needs folds: add --cv 10"),
        (("--at", "much"), 2, "--at much is no number"),
        (("--lambda", "-1"), 1, "lambda_ must be 0 or more"),
        (("--alpha", "2"), 1, "alpha is between 0 (ridge) and 1 (lasso)"),
        (("--cv", "1"), 1, "folds must be a whole number from 2"),
        (("--cv", "20"), 1, "20 folds need 60 rows or more, and there are 32"),
        (("--cv", "4", "--workers", "0"), 1, "workers"),
    ],
)
def test_paths_that_cannot_be(folder, asked, code, words):
    done = run("path", "mpg ~ wt + hp", "cars.csv", *asked, folder=folder)
    assert (done.returncode, done.stdout) == (code, b"")
    assert words in done.stderr.decode()


def test_a_reader_that_leaves_is_no_error(folder):
    command = " ".join(f"'{word}'" for word in [*PROGRAM, "devices"])
    done = subprocess.run(
        f"{command} | true", shell=True, cwd=folder, capture_output=True, check=False,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
    )  # fmt: skip
    assert done.stderr == b""


def test_a_table_to_standard_output_reads_back(fitted, folder):
    done = run("predict", "m.statdl", "cars.csv", "--with-data", folder=folder)
    frame = pd.read_csv(io.BytesIO(done.stdout))
    assert [*frame.columns[:2], frame.columns[-1]] == ["mpg", "cyl", "fit"]
    assert len(frame) == 32


def test_a_network_is_trained_by_batches(folder):
    options = ("--hidden", "6", "--epochs", "5", "--batch", "8", "--learning-rate", "0.01")
    watched = ("--validation", "0.25", "--early-stopping", "2", "--dropout", "0.1", "-q")
    command = ("fit", "mlp", "mpg ~ wt + hp", "cars.csv", *options)
    done = run(*command, *watched, "--save", "net.statdl", folder=folder)
    assert done.returncode == 0, done.stderr.decode()
    net = sd.load(folder / "net.statdl")
    cars = sd.datasets.load("mtcars").reset_index(drop=True)
    method = sd.GradientDescent(sd.Adam(0.01), batch=8, epochs=5)
    same = sd.mlp(
        "mpg ~ wt + hp", cars, hidden=6, method=method, dropout=0.1, validation=0.25,
        early_stopping=2,
    )  # fmt: skip
    np.testing.assert_allclose(net.predict(cars), same.predict(cars), rtol=1e-6)
    told = refused(run(*command, "--method", "newton", folder=folder), code=2)
    assert "train by Adam, and --method newton does not" in told
