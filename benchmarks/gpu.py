"""``make gpu-check``: whether a card gives the CPU's numbers, and how fast.

``python -m benchmarks.gpu`` runs the tests of tests/namespace on CuPy, measures the card's two
ceilings in the same run as the fits, sets them beside PyTorch on the card and scikit-learn and
statsmodels on the host, writes ``benchmarks/results/gpu-<date>.json``, and prints the table of the
README. It needs no environment of its own: statdl is taken from the working tree, and what the
machine lacks from the wheels that ``make gpu-wheels`` put into ``.gpu-wheels/``. It ends within
eight minutes: each part has a budget, and what is left out is said. Without a card it runs what
needs none.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
WHEELS = ROOT / ".gpu-wheels"
#: Packages that have to be there, by the names they are imported by.
NEEDED = ("numpy", "scipy", "pandas", "formulaic", "pytest", "hypothesis")
#: Packages that pure-Python wheels can bring.
BROUGHT = ("array_api_compat", "array_api_strict", "narwhals", "threadpoolctl", "tqdm")
#: Seconds for everything, for the tests, and for the peers on the host of one task.
LIMIT_S, TESTS_S, HOST_S = 480.0, 200.0, 30.0
#: Largest relative difference from the CPU.
AGREEMENT = 1e-10


def bring_wheels() -> list[str]:
    """Put wheels of missing packages on the path, also of processes begun later.

    Return what is still missing.
    """
    missing = [name for name in BROUGHT if importlib.util.find_spec(name) is None]
    found = [str(wheel) for name in missing for wheel in sorted(WHEELS.glob(f"{name}-*.whl"))]
    sys.path[1:1] = found
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(ROOT), *found, *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    return [name for name in (*NEEDED, *BROUGHT) if importlib.util.find_spec(name) is None]


class Run:
    """What was found and what was left out, within a limit of time."""

    def __init__(self, limit: float) -> None:
        self.begun, self.limit = time.perf_counter(), limit
        self.skipped: list[str] = []
        self.failed: list[str] = []
        self.document: dict[str, Any] = {"tasks": []}

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.limit - (time.perf_counter() - self.begun)

    def skip(self, what: str, why: str) -> None:
        """Say what is left out."""
        self.skipped.append(f"{what}: {why}")
        print(f"skipped {what}: {why}", flush=True)

    @contextmanager
    def part(self, what: str, needs: float) -> Iterator[bool]:
        """Yield whether there is time for a part; say how long it took, or how it failed."""
        if self.left < needs:
            self.skip(what, f"{self.left:.0f} s are left of {self.limit:.0f}, too little for it.")
            yield False
            return
        begun = time.perf_counter()
        try:
            yield True
        except Exception as error:  # one part that fails must not hide the others
            self.failed.append(f"{what}: {type(error).__name__}: {error}")
            print(f"FAILED {what}: {type(error).__name__}: {error}", flush=True)
        print(f"{what}: {time.perf_counter() - begun:.1f} s", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status: 0 unless something failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="share of the rows (default all)")
    parser.add_argument("--limit", type=float, default=LIMIT_S, help="seconds (default 480)")
    parser.add_argument("--no-tests", action="store_true", help="measure only")
    parser.add_argument("--output", type=Path, help="where the JSON goes")
    options = parser.parse_args(arguments)
    lacking = bring_wheels()
    if lacking:
        names = ", ".join(lacking)
        print(f"skipped everything: {names} not found; `make gpu-wheels` fetches what is small.")
        return 0
    run = Run(options.limit)
    obstacle = _obstacle()
    print(f"card: {obstacle or 'usable'}", flush=True)
    if not options.no_tests:
        tests(run, obstacle)
    if obstacle is None:
        measure(run, options)
    else:
        run.skip("ceilings and benchmarks", obstacle)
    return report(run)


def _obstacle() -> str | None:
    device: Any = importlib.import_module("statdl.backend.device")
    return device.cuda_obstacle()


def tests(run: Run, obstacle: str | None) -> None:
    """Run the suite: on CuPy, or what there is of it without a card."""
    chosen = ["tests/namespace", "tests/network/test_card_training.py"]
    chosen += ["tests/network/test_launches.py", "tests/network/test_graphs.py"]
    chosen += ["tests/backend/test_cublas.py", "tests/network/test_devices.py"]
    if obstacle is None:
        chosen += ["-k", "cupy or test_devices.py"]
    else:
        chosen += ["-k", "pretended or test_devices.py or compile"]
        run.skip("tests on CuPy", obstacle)
    with run.part("tests", 30.0) as there_is_time:
        if not there_is_time:
            return
        workers = ["-n", "4"] if importlib.util.find_spec("xdist") else []
        command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"]
        status = _bounded([*command, *workers, *chosen], min(TESTS_S, run.left - 10))
        run.document["tests"] = status
        if status == "failed":
            run.failed.append("tests: some numbers are not the CPU's; see above.")
        elif status == "stopped":
            run.skip("the rest of the tests", f"they had {TESTS_S:.0f} s.")


def _bounded(command: list[str], seconds: float) -> str:
    """Run a command for so long at most; return "passed", "failed" or "stopped"."""
    try:
        done = subprocess.run(command, cwd=ROOT, timeout=max(seconds, 1.0), check=False)
    except subprocess.TimeoutExpired:
        return "stopped"
    return "passed" if done.returncode == 0 else "failed"


def measure(run: Run, options: argparse.Namespace) -> None:
    """Measure the ceilings, the fits and their peers."""
    card: Any = importlib.import_module("benchmarks.card")
    machine: Any = importlib.import_module("benchmarks.machine")
    card.open_card()
    run.document |= {"machine": machine.facts(), "card": card.facts(), "share": options.share}
    known = None
    with run.part("ceilings", 20.0) as there_is_time:
        if there_is_time:
            known = card.ceilings()
            run.document["ceilings"] = {"bytes_s": known.bandwidth, "float64_s": known.rate}
            print(f"  {known.bandwidth / 1e12:.2f} TB/s, {known.rate / 1e12:.1f} TFLOP/s float64")
    if known is None:
        return
    with run.part("small fit", 10.0) as there_is_time:
        if there_is_time:
            run.document["tasks"].append(small_fit())
    for task in card.TASKS:
        chosen = task if options.share == 1.0 else task.smaller(options.share)
        with run.part(chosen.title, 40.0) as there_is_time:
            if there_is_time:
                try:
                    chosen.draw()
                    run.document["tasks"].append(one_task(run, card, chosen, known))
                finally:
                    chosen.release()
    training(run, options.share)
    with run.part("blocks of the Gram matrix", 20.0) as there_is_time:
        if there_is_time:
            run.document["gram"] = gram_variants(card, options.share)
    path = options.output or ROOT / f"benchmarks/results/gpu-{datetime.date.today()}.json"
    path.write_text(json.dumps(run.document | {"skipped": run.skipped}, indent=1) + "\n")
    print(f"written: {path}")


def training(run: Run, share: float) -> None:
    """Measure epochs of training, and many fits."""
    measured: Any = importlib.import_module("benchmarks.card_training")
    if measured.torch_on_card() is None:
        run.skip("PyTorch's training", "it is not installed, or sees no card.")
    for task in measured.EPOCHS:
        chosen = task if share == 1.0 else task.smaller(share)
        with run.part(chosen.title, 60.0) as there_is_time:
            if there_is_time:
                record = chosen.record()
                run.document["tasks"].append(record)
                disagreements(run, record)
    with run.part("threads of an epoch in one launch", 20.0) as there_is_time:
        if there_is_time:
            run.document["threads"] = measured.threads_of_an_epoch(share)
    for name in ("logit_refits", "network_refits"):
        with run.part(name.replace("_", " "), 30.0) as there_is_time:
            if there_is_time:
                run.document["tasks"].append(getattr(measured, name)(share))


def disagreements(run: Run, record: dict[str, Any]) -> None:
    """Print how far launches and products are from the plain ones, and say where it is too far."""
    for name, found in record["differences"].items():
        print(f"  {name}: weights {found['weights']:.1e}, loss {found['loss']:.1e} from the plain")
        if found["loss"] > found.get("limit", float("inf")):
            run.failed.append(
                f"{record['task']}: the loss of {name} differs from the plain one by "
                f"{found['loss']:.1e} of it."
            )


def one_task(run: Run, card: Any, task: Any, known: Any) -> dict[str, Any]:
    """Return the record of a task: times, floor, goal, and how it agrees with the CPU."""
    peers: Any = importlib.import_module("benchmarks.card_peers")
    fit = task.fit()
    steps = fit.convergence.iterations
    times = {"floor": {"min_s": task.floor(known)}}
    times["statdl"] = {"min_s": card.best_of(task.fit, runs=3)}
    straightforward = peers.pytorch(task)
    if straightforward is None:
        run.skip(f"PyTorch, {task.kind}", "it is not installed, or sees no card.")
    else:
        times["PyTorch"] = {"min_s": card.best_of(straightforward, runs=2)}
    del straightforward
    X, y = task.host_part()
    here, there = task.fit(X, y), task.fit(task.X[: len(X)], task.y[: len(X)])
    difference = peers.largest_difference(there, here)
    if difference > AGREEMENT:
        run.failed.append(f"{task.title}: differs from the CPU by {difference:.1e}.")
    host = peers.on_host(task, min(HOST_S, run.left - 30.0))
    for name, found in host.items():
        times[name] = {"min_s": found["extrapolated_s"]}
    allowed = task.times_floor * times["floor"]["min_s"] * (steps if task.each_step else 1)
    few = task.most_steps is None or steps <= task.most_steps
    return {
        "task": task.title,
        "times": times,
        "on_host": host,
        "steps": steps if task.each_step else None,
        "method": fit.convergence.method,
        "goal": {"times_floor": task.times_floor, "steps": task.most_steps, "seconds": None},
        "met": times["statdl"]["min_s"] <= allowed and few,
        "difference_from_cpu": difference,
    }


def small_fit() -> dict[str, Any]:
    """Return the record of a fit whose time is launches: from a frame, copy included."""
    np: Any = importlib.import_module("numpy")
    pd: Any = importlib.import_module("pandas")
    sd: Any = importlib.import_module("statdl")
    card: Any = importlib.import_module("benchmarks.card")
    random = np.random.default_rng(5)
    frame = pd.DataFrame(random.standard_normal((2_000, 5)), columns=list("abcde"))
    frame["y"] = (random.random(2_000) < 1 / (1 + np.exp(-frame["a"]))).astype(float)

    def fit(device: str) -> Callable[[], Any]:
        def once() -> Any:
            found = sd.glm("y ~ a + b + c + d + e", frame, "binomial", device=device)
            _ = found.pvalues, found.conf_int()
            return found

        return once

    times = {"statdl": {"min_s": card.best_of(fit("cuda"), runs=20, warm=3)}}
    times["statdl on the CPU"] = {"min_s": card.best_of(fit("cpu"), runs=20, warm=3)}
    return {
        "task": "logit, 2,000 × 5, from a frame",
        "times": times,
        "goal": {"times_floor": None, "steps": None, "seconds": 0.02},
        "met": times["statdl"]["min_s"] <= 0.02,
    }


def gram_variants(card: Any, share: float) -> dict[str, float]:
    """Time XᵀWX of 10,000,000 × 50 with scratch memory of several sizes, and what it is made of."""
    gram: Any = importlib.import_module("statdl.backend.gram")
    n = max(10_000, int(10_000_000 * share))
    rng = card.cupy.random.default_rng(6)
    X, w = rng.standard_normal((n, 50)), rng.random((n, 1))
    found = {
        f"weighted, {size} MB": card.best_of(
            lambda room=size << 20: gram.blocked_weighted_gram(X, w, room=room), runs=3
        )
        for size in (16, 32, 64, 128, 256, 512, 1024)
    }
    found["weighted, plain"] = card.best_of(lambda: gram.plain_weighted_gram(X, w), runs=3)
    found["unweighted"] = card.best_of(lambda: gram.gram(X), runs=3)
    found["XᵀX alone"] = card.best_of(lambda: X.T @ X, runs=3)
    found["X b"] = card.best_of(lambda: X @ X[0], runs=3)
    found["Xᵀ r"] = card.best_of(lambda: X.T @ w[:, 0], runs=3)
    for name, seconds in found.items():
        print(f"  {name}: {1e3 * seconds:.2f} ms")
    return found


def report(run: Run) -> int:
    """Print the table and what was left out; return the exit status."""
    table: Any = importlib.import_module("benchmarks.card_table")
    if run.document["tasks"]:
        print(table.markdown(run.document))
    for line in run.skipped:
        print(f"skipped: {line}")
    for line in run.failed:
        print(f"FAILED: {line}")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
