"""The benchmark suite runs, agrees with its peers on small data, and prints the goals."""

import json

import numpy as np
import pytest

from benchmarks import core, covariances, infer, many, mlp, optimum, paths, table
from benchmarks.__main__ import main
from benchmarks.timing import Contender, clocked, race


@pytest.mark.slow
def test_every_task_runs_on_small_data(tmp_path, capsys):
    output = tmp_path / "core.json"
    main(["core", "--quick", "--repeat", "1", "--output", str(output)])
    document = json.loads(output.read_text(encoding="utf-8"))
    printed = capsys.readouterr().out
    assert len(document["tasks"]) == len(core.TASKS) + len(core.IMPORTS)
    for record in document["tasks"]:
        assert record["task"] in printed
        agreement = record["agreement"] or {"params": 0.0, "bse": 0.0}
        assert agreement["params"] < 1e-5
        assert agreement["bse"] < 1e-5


@pytest.mark.slow
def test_every_network_trains_on_small_data(tmp_path, capsys):
    output = tmp_path / "mlp.json"
    main(["mlp", "--quick", "--repeat", "1", "--output", str(output)])
    document = json.loads(output.read_text(encoding="utf-8"))
    printed = capsys.readouterr().out
    assert len(document["tasks"]) == len(mlp.TASKS) + len(optimum.TASKS)
    for record in document["tasks"]:
        assert record["task"] in printed
        assert record.get("accuracy", {"statdl": 1.0})["statdl"] > 0.05


@pytest.mark.slow
def test_every_question_to_a_fit_is_answered_on_small_data(tmp_path):
    output = tmp_path / "infer.json"
    main(["infer", "--quick", "--repeat", "1", "--output", str(output)])
    document = json.loads(output.read_text(encoding="utf-8"))
    assert [record["task"] for record in document["tasks"]] == [t.title for t in infer.TASKS]


@pytest.mark.slow
def test_many_fits_are_the_loops_fits_on_small_data(tmp_path):
    output = tmp_path / "many.json"
    main(["many", "--quick", "--repeat", "1", "--output", str(output)])
    document = json.loads(output.read_text(encoding="utf-8"))
    assert [record["task"] for record in document["tasks"]] == [t.title for t in many.TASKS]
    for record in document["tasks"]:
        assert (record["difference"] or 0.0) < 1e-2
        if "1e-10" in record["task"]:
            assert record["difference"] < 1e-6


def test_goals_beside_peers_are_multiples_of_our_time():
    task = mlp.Task(100, 3, 4, 2, 10, 1, {"PyTorch": 2.0})
    contenders = [
        Contender("statdl", list, result=lambda: 0.5, seconds=[1.0]),
        Contender("PyTorch", list, result=lambda: 0.5, seconds=[1.9]),
    ]
    found = mlp.record(task, contenders)
    assert not found["met"]
    assert "PyTorch ≥ 2.0 × NO" in table.text([found])


def test_contenders_run_in_turns_and_half_the_runs_only_settle():
    order = []
    contenders = [clocked("a", lambda: order.append("a")), clocked("b", lambda: order.append("b"))]
    race(contenders, repeat=3, least_s=0.0)
    assert order == ["a", "b"] + ["a", "a", "b", "b"] * 3
    assert [len(contender.seconds) for contender in contenders] == [3, 3]


def test_slow_contender_runs_once():
    slow = Contender("slow", lambda: [99.0])
    race([slow], repeat=3, least_s=0.0, limit_s=60.0)
    assert slow.seconds == [99.0]


def test_goal_is_a_multiple_of_the_floor():
    contenders = [Contender("floor", list, seconds=[2.0]), Contender("statdl", list, seconds=[3.0])]
    assert core.record("task", contenders, 2.0, None)["met"]
    assert not core.record("task", contenders, 1.4, None)["met"]


def test_agreement_finds_coefficients_the_other_way_round():
    params, errors = np.arange(1.0, 7.0).reshape(3, 2), np.ones((3, 2))
    found = core.agreement({"statdl": (params.T, errors.T), "statsmodels": (params, errors)})
    assert found == {"params": 0.0, "bse": 0.0}


def test_markdown_names_only_measured_columns():
    times = {"floor": {"min_s": 0.05}, "statdl": {"min_s": 0.1}}
    record = {"task": "lm", "times": times}
    machine = {"date": "d", "cores": 2, "cpu": "c", "python": "3", "versions": {"numpy": "2"}}
    lines = table.markdown({"tasks": [record], "machine": machine}).splitlines()
    assert lines[0] == "| task | floor | statdl |"
    assert lines[2] == "| lm | 50 ms | **100 ms (2.0 ×)** |"


@pytest.mark.slow
def test_every_covariance_is_tried(tmp_path, capsys):
    output = tmp_path / "covariances.json"
    covariances.main(["--samples", "2", "--output", str(output)])
    document = json.loads(output.read_text(encoding="utf-8"))
    printed = capsys.readouterr().out
    assert len(document["settings"]) == len(covariances.DESIGNS)
    for setting in document["settings"]:
        assert setting["design"] in printed
        assert all(0 <= rates["coverage"] <= 1 for rates in setting["covariances"].values())


@pytest.mark.slow
def test_every_path_is_followed_on_small_data(tmp_path):
    output = tmp_path / "paths.json"
    main(["paths", "--quick", "--repeat", "1", "--output", str(output)])
    document = json.loads(output.read_text(encoding="utf-8"))
    assert [record["task"] for record in document["tasks"]] == [task.title for task in paths.TASKS]
    for record in document["tasks"]:
        assert record["violations"]["statdl"] <= 2e-7
        assert {paths.OURS, paths.LOOSE} <= set(record["times"])
    first = document["tasks"][0]
    assert f"({first['violations']['statdl']:.0e})" in table.markdown(document)


@pytest.mark.slow
def test_data_larger_than_memory_are_measured_on_little_data(tmp_path):
    output = tmp_path / "scale.json"
    for only in ("lm,", "lasso path"):
        folder = str(tmp_path / "rows")
        main(
            [
                "scale",
                "--rows",
                "6000",
                "--only",
                only,
                "--directory",
                folder,
                "--output",
                str(output),
            ]
        )
        document = json.loads(output.read_text(encoding="utf-8"))
        runs = [run for task in document["tasks"] for run in task["runs"].values()]
        assert all(
            "skipped" in run or run["start"] > 0 for run in runs if "biglm" not in run["task"]
        )
        assert {run["passes"] for run in runs if run["task"] == "statdl"} == {1}
        assert "| statdl |" in table.scale_markdown(document)
