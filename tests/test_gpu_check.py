"""What ``make gpu-check`` does on a card, tried on a pretended CuPy."""

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from benchmarks import card, card_peers, card_table, card_training, gpu
from tests.namespace import host_kernels, pretended_cupy
from tests.places import NOT_PRETENDED


@pytest.fixture
def pretended(monkeypatch):
    """A pretended CuPy, whose ceilings are those of a card, and small networks."""
    if NOT_PRETENDED is not None or host_kernels.COMPILER is None:
        pytest.skip(NOT_PRETENDED or "there is no C++ compiler")
    monkeypatch.setattr(card, "ceilings", lambda: card.Ceilings(4e12, 5e13))
    small = [replace(one, inputs=20, hidden=16) for one in card_training.EPOCHS]
    monkeypatch.setattr(card_training, "EPOCHS", tuple(small))
    with pretended_cupy.installed():
        card.open_card()
        yield
    card.cupy = None


def test_everything_runs_and_is_written(pretended, tmp_path, capsys):
    output = tmp_path / "gpu.json"
    assert gpu.main(["--no-tests", "--share", "0.0005", "--output", str(output)]) == 0
    document = json.loads(output.read_text())
    printed = capsys.readouterr().out
    assert len(document["tasks"]) == 8
    assert document["card"]["name"] == "Pretended"
    for record in document["tasks"][1:4]:
        assert record["difference_from_cpu"] < 1e-10
        assert {"floor", "statdl", "scikit-learn", "statsmodels"} <= record["times"].keys()
    assert all(record["times"]["statdl"]["min_s"] > 0 for record in document["tasks"])
    assert card_table.markdown(document) in printed
    assert "blocks of the Gram matrix" in printed
    large, small = document["tasks"][4:6]
    ways = {"statdl", "statdl, graph", "statdl, TF32", "statdl, graph, bf16"}
    assert ways <= large["times"].keys()
    assert ways | {"statdl, epoch"} <= small["times"].keys()
    for record in (large, small):
        for name, found in record["differences"].items():
            assert found["loss"] < (1e-6 if "limit" in found else 1e-1), name
    assert "512 threads" in document["threads"]


def test_without_a_card_it_says_so_and_is_content(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "_obstacle", lambda: "no card here.")
    monkeypatch.setattr(gpu, "_bounded", lambda command, seconds: "passed")
    assert gpu.main([]) == 0
    assert "skipped: tests on CuPy: no card here." in capsys.readouterr().out


def test_without_packages_it_says_so_and_is_content(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "bring_wheels", lambda: ["array_api_strict"])
    assert gpu.main([]) == 0
    assert "array_api_strict" in capsys.readouterr().out


def test_what_there_is_no_time_for_is_skipped(pretended, capsys, tmp_path):
    assert gpu.main(["--no-tests", "--limit", "1", "--output", str(tmp_path / "x")]) == 0
    assert "too little for it" in capsys.readouterr().out


def test_a_part_that_fails_is_told_and_the_others_run(pretended, monkeypatch, capsys, tmp_path):
    def broken(*_):
        raise ValueError("nothing there")

    monkeypatch.setattr(gpu, "one_task", broken)
    monkeypatch.setattr(gpu, "gram_variants", lambda *_: {})
    given = ["--no-tests", "--share", "0.0005", "--output", str(tmp_path / "x")]
    assert gpu.main(given) == 1
    assert capsys.readouterr().out.count("nothing there") >= 3


@pytest.mark.parametrize("kind", ["lm", "logit", "softmax"])
def test_pytorchs_fits_are_ours(kind, pretended):
    torch = pytest.importorskip("torch")
    task = next(task for task in card.TASKS if task.kind == kind).smaller(0.0005)
    task.draw()
    X, y = torch.from_numpy(task.X.get()), torch.from_numpy(task.y.get())
    X = torch.cat([torch.ones_like(X[:, :1]), X], dim=1)
    beta, errors = getattr(card_peers, f"_{kind}")(torch, X, y, task.classes)
    fit = task.fit()
    assert_allclose(beta, np.asarray(fit.params), rtol=1e-6, atol=1e-8)
    assert_allclose(errors, np.asarray(fit.bse).T.reshape(-1), rtol=1e-5)


def test_a_floor_is_the_larger_of_two():
    known = card.Ceilings(bandwidth=1e9, rate=1e12)
    assert known.floor(1_000, 9) == pytest.approx(8e4 / 1e9)
    assert card.Ceilings(1e12, 1e9).floor(1_000, 9, equations=2) == pytest.approx(3 * 1.1e5 / 1e9)


def test_the_table_says_what_was_not_measured():
    assert card_table.markdown(None) == card_table.NOT_YET
