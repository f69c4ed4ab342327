"""Data larger than memory: time, memory and passes, beside merely reading the columns.

``python -m benchmarks scale --directory FOLDER --rows 50000000`` draws the data into FOLDER once
(170 bytes a row), and then runs every task in a process of its own, whose largest memory is what
the task took. Times are of data that the system has read before, where they fit its cache, and
without ``start``: what a process takes to load its libraries and do the same to 2,000 rows. Tasks
on little data are run three times, and the quickest counts.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.core import FLOOR, STATDL

#: Columns of X, classes of the multinomial response, and files of a data set.
P, K, FILES = 20, 5, 10
BIGLM_NAME = "R's biglm"
#: What the tasks must reach.
MEGABYTES, TIMES_READING, PASSES, GROWTH, SPEEDUP = 1500.0, 2.0, 5, 1.10, 1.5
#: Rows of the task that a process starts with, and up to which a task is run three times.
START, LITTLE = 2_000, 2_000_000
#: Rows drawn at once, and rows of a group in a file.
DRAWN, GROUP = 250_000, 125_000


def generate(directory: Path, n: int) -> Path:
    """Draw n rows into Parquet files, unless they are there; return their folder.

    y = Xβ + 2ε, b is 1 where logistic noise is below Xβ, and k is drawn from a softmax of X.
    """
    folder = directory / f"rows-{n}"
    if folder.exists():
        return folder
    beside = directory / f".rows-{n}.partial"
    beside.mkdir(parents=True, exist_ok=True)
    for number in range(FILES):
        rows = n // FILES + (number < n % FILES)
        _write(beside / f"part-{number:02}.parquet", rows, number)
    beside.rename(folder)
    return folder


def _write(path: Path, rows: int, seed: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng([19, seed])
    slopes = np.random.default_rng(19).uniform(-1.0, 1.0, (P, K))
    writer = None
    for start in range(0, rows, DRAWN):
        table = pa.table(_columns(rng, slopes, min(DRAWN, rows - start)))
        writer = writer or pq.ParquetWriter(path, table.schema, compression="none")
        writer.write_table(table, row_group_size=GROUP)
    if writer is not None:
        writer.close()


def _columns(rng: np.random.Generator, slopes: Any, n: int) -> dict[str, Any]:
    X = rng.standard_normal((n, P))
    eta = 0.3 * X @ slopes
    gumbel = rng.gumbel(size=(n, K))
    columns = {f"x{j}": X[:, j] for j in range(P)}
    columns["y"] = 1.0 + X @ slopes[:, 0] + 2.0 * rng.standard_normal(n)
    columns["b"] = (eta[:, 0] + rng.logistic(size=n) > 0.5).astype(np.int8)
    columns["k"] = (eta + gumbel).argmax(axis=1).astype(np.int8)
    return columns


RIGHT = " + ".join(f"x{j}" for j in range(P))


@dataclass(frozen=True)
class Task:
    """A task on the first ``files`` of a folder; ``verb`` names a function of this module."""

    verb: str
    title: str
    folder: Path
    files: int = FILES
    start: Path | None = None

    def run(self) -> dict[str, Any]:
        """Run in a process of its own; return what it says."""
        start = None if self.start is None else str(self.start)
        code = (
            f"from benchmarks.scale import asked; "
            f"asked({self.verb!r}, {str(self.folder)!r}, {self.files}, {start!r})"
        )
        run = subprocess.run(
            [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True
        )
        found = json.loads(run.stdout.splitlines()[-1])
        print(f"measured: {self.title}: {found}", file=sys.stderr)
        return {"task": self.title, **found}


def asked(verb: str, folder: str, files: int, start: str | None) -> None:
    """Print what a task took, as JSON: for the process that measures it."""
    found = {}
    if start is not None:
        found["start"] = _timed(VERBS[verb], _files(start, FILES))["seconds"]
    paths = _files(folder, files)
    found |= _timed(VERBS[verb], paths)
    if start is not None and found["rows"] <= LITTLE:
        again = [_timed(VERBS[verb], paths)["seconds"] for _ in range(2)]
        found["seconds"] = min(found["seconds"], *again)
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(one).ru_maxrss for one in who) * 1024 / 1e6
    print(json.dumps({**found, "megabytes": round(peak, 1)}))


def _files(folder: str, count: int) -> list[str]:
    return [str(path) for path in sorted(Path(folder).glob("*.parquet"))[:count]]


def _timed(verb: Callable[[list[str]], dict[str, Any]], paths: list[str]) -> dict[str, Any]:
    before = time.perf_counter()
    found = verb(paths)
    if "skipped" in found:
        return found
    seconds = found.pop("seconds", None) or time.perf_counter() - before
    return {"seconds": round(seconds, 3), **found}


def _read(paths: list[str]) -> dict[str, Any]:
    import pyarrow.dataset as ds

    columns = [*RIGHT.split(" + "), "y"]
    rows = sum(len(batch) for batch in ds.dataset(paths).to_batches(columns=columns))
    return {"rows": rows}


def _lm(paths: list[str]) -> dict[str, Any]:
    import statdl as sd

    return _described(sd.lm(f"y ~ {RIGHT}", data=sd.scan(paths)))


def _logit(paths: list[str]) -> dict[str, Any]:
    import statdl as sd

    return _described(sd.glm(f"b ~ {RIGHT}", data=sd.scan(paths), family="binomial"))


def _softmax(paths: list[str]) -> dict[str, Any]:
    import statdl as sd

    return _described(sd.multinom(f"k ~ {RIGHT}", data=sd.scan(paths)))


def _path(paths: list[str]) -> dict[str, Any]:
    import statdl as sd

    found = sd.path(f"y ~ {RIGHT}", data=sd.scan(paths))
    return {"rows": found.estimate.shape[0], "passes": found.passes}


def _cv_path(paths: list[str]) -> dict[str, Any]:
    import statdl as sd

    found = sd.cv_path(f"y ~ {RIGHT}", data=sd.scan(paths)).path
    return {"rows": found.estimate.shape[0], "passes": found.passes}


def _described(fit: Any) -> dict[str, Any]:
    return {"rows": fit.nobs, "passes": fit.convergence.passes, "converged": fit.converged}


def _duckdb(paths: list[str]) -> dict[str, Any]:
    """Normal equations by SQL: every product of two columns summed, then solved."""
    import duckdb

    names = ["1", *RIGHT.split(" + "), "y"]
    pairs = [(i, j) for i in range(P + 2) for j in range(i + 1)]
    sums = ", ".join(f"sum({names[i]}*{names[j]})" for i, j in pairs)
    query: Any = duckdb.sql(f"select {sums} from read_parquet({paths!r})")
    [found] = query.fetchall()
    A = np.zeros((P + 2, P + 2))
    for (i, j), value in zip(pairs, found, strict=True):
        A[i, j] = A[j, i] = value
    np.linalg.solve(A[:-1, :-1], A[:-1, -1])
    return {"rows": int(A[0, 0])}


#: Chunks of rows as biglm's users read them; the clock is R's, without R's own start.
BIGLM = """
arguments <- commandArgs(trailingOnly = TRUE)
p <- as.integer(arguments[2]); n <- as.integer(arguments[3])
if (!requireNamespace("biglm", quietly = TRUE)) quit(status = 3)
names <- c("y", paste0("x", seq_len(p) - 1))
formula <- as.formula(paste("y ~", paste(names[-1], collapse = " + ")))
rows <- file(arguments[1], "rb"); fit <- NULL; left <- n
start <- proc.time()[["elapsed"]]
while (left > 0) {
  m <- min(left, 125000)
  part <- matrix(readBin(rows, "double", m * (p + 1)), m, p + 1, byrow = TRUE)
  part <- setNames(as.data.frame(part), names)
  fit <- if (is.null(fit)) biglm::biglm(formula, part) else update(fit, part)
  left <- left - m
}
stopifnot(all(is.finite(coef(fit))))
cat(proc.time()[["elapsed"]] - start)
"""
NO_BIGLM = 3


def _biglm(paths: list[str]) -> dict[str, Any]:
    """R's biglm on the same rows as doubles in a file, which R reads quicker than any table."""
    import pyarrow.dataset as ds

    rscript = shutil.which("Rscript")
    if rscript is None:
        return {"skipped": "R is not installed."}
    columns = ["y", *RIGHT.split(" + ")]
    with tempfile.TemporaryDirectory() as folder:
        values, script = Path(folder, "values"), Path(folder, "biglm.R")
        script.write_text(BIGLM, encoding="utf-8")
        n = 0
        with values.open("wb") as file:
            for batch in ds.dataset(paths).to_batches(columns=columns):
                n += len(batch)
                np.column_stack([batch.column(name) for name in columns]).tofile(file)
        run = subprocess.run(
            [rscript, "--vanilla", str(script), str(values), str(P), str(n)],
            stdout=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    if run.returncode == NO_BIGLM:
        return {"skipped": "R's package biglm is not installed."}
    run.check_returncode()
    return {"seconds": float(run.stdout), "rows": n}


def _dask(paths: list[str], workers: int) -> dict[str, Any]:
    import dask.dataframe as dd
    import distributed

    import statdl as sd

    columns = [*RIGHT.split(" + "), "y"]
    with (
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        frame = dd.read_parquet(paths, columns=columns, blocksize="32MiB")
        sd.lm("y ~ x0", data=frame.partitions[:workers])  # workers have loaded what they need
        before = time.perf_counter()
        fit = sd.lm(f"y ~ {RIGHT}", data=frame)
        return {"seconds": time.perf_counter() - before, **_described(fit)}


VERBS: dict[str, Callable[[list[str]], dict[str, Any]]] = {
    "read": _read,
    "lm": _lm,
    "path": _path,
    "cv_path": _cv_path,
    "logit": _logit,
    "softmax": _softmax,
    "duckdb": _duckdb,
    "biglm": _biglm,
    "dask1": lambda paths: _dask(paths, 1),
    "dask2": lambda paths: _dask(paths, 2),
}


def suite(directory: Path, n: int, only: str = "") -> Iterator[dict[str, Any]]:
    """Yield the machine's facts, and then a record for each task whose title contains ``only``."""
    yield {"machine": machine.facts(), "rows": n}
    small = max(n // 50, 1000)
    whole, part = generate(directory, n), generate(directory, small)
    start = generate(directory, START)

    def task(verb: str, title: str, folder: Path, files: int = FILES) -> Task:
        return Task(verb, title, folder, files, start)

    tasks = [
        (f"reading, {n:,} × {P + 1}", [task("read", FLOOR, whole)]),
        (f"lm, {n:,} × {P}", [task("lm", STATDL, whole), task("duckdb", "DuckDB", whole)]),
        (f"lm, {small:,} × {P}", [task("lm", STATDL, part), Task("biglm", BIGLM_NAME, part)]),
        (f"lasso path, {n:,} × {P}", [task("path", STATDL, whole)]),
        (f"lasso path, 10 folds, {n:,} × {P}", [task("cv_path", STATDL, whole)]),
        (f"logit, {n:,} × {P}", [task("logit", STATDL, whole)]),
        (f"softmax, {n // 5:,} × {P}, K = {K}", [task("softmax", STATDL, whole, FILES // 5)]),
        (f"lm by Dask, {n // 5:,} × {P}", [
            Task("dask1", "one worker", whole, FILES // 5),
            Task("dask2", "two workers", whole, FILES // 5),
        ]),
    ]  # fmt: skip
    for title, runs in tasks:
        if only in title:
            yield {"task": title, "runs": {run.title: run.run() for run in runs}}


def measure(directory: Path, n: int, only: str, output: Path | None) -> None:
    """Run the suite, print what was reached, write the JSON."""
    records = suite(directory, n, only)
    document = {**next(records), "tasks": list(records)}
    document["reached"] = reached(document["tasks"], n)
    print(json.dumps(document["reached"], indent=1))
    if output is not None:
        output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def reached(tasks: list[dict[str, Any]], n: int) -> dict[str, Any]:
    """Return each goal with what was measured: the number, its limit, and whether it was met."""
    runs = {task["task"].split(",")[0] + f" {name}": found
            for task in reversed(tasks) for name, found in task["runs"].items()}  # fmt: skip
    lm, read = runs.get(f"lm {STATDL}"), runs.get(f"reading {FLOOR}")
    sizes = [task["runs"][STATDL] for task in tasks if task["task"].startswith("lm, ")]
    found: dict[str, Any] = {}
    if lm is not None:
        found["lm: megabytes"] = _goal(lm["megabytes"], MEGABYTES)
    if lm is not None and read is not None:
        found["lm: times reading"] = _goal(lm["seconds"] / read["seconds"], TIMES_READING)
    if f"logit {STATDL}" in runs:
        found["logit: passes"] = _goal(runs[f"logit {STATDL}"]["passes"], PASSES)
    if f"softmax {STATDL}" in runs:
        found["softmax: megabytes"] = _goal(runs[f"softmax {STATDL}"]["megabytes"], MEGABYTES)
    if len(sizes) == 2:
        large, small = (1e6 * one["seconds"] / one["rows"] for one in sizes)
        found["seconds per million rows"] = [round(large, 3), round(small, 3)]
        found["lm: cost of a row, the more rows over the fewer"] = _goal(large / small, GROWTH)
    if "lm by Dask two workers" in runs:
        ratio = runs["lm by Dask one worker"]["seconds"] / runs["lm by Dask two workers"]["seconds"]
        found["Dask: two workers over one"] = {
            "measured": round(ratio, 2), "goal": SPEEDUP, "met": ratio >= SPEEDUP
        }  # fmt: skip
    return found


def _goal(measured: float, most: float) -> dict[str, Any]:
    return {"measured": round(measured, 3), "goal": most, "met": bool(measured <= most)}
