"""Training and many fits on a card, beside PyTorch there and statsmodels on the host.

Networks train in float32 by Adam on data that stay on the card, with every launch of
``GradientDescent`` and with products in TF32 and bfloat16. Seconds are those of an epoch: the
difference of a long run and a short one, so that what is made once does not count. PyTorch's graph
is its own step, captured once and replayed for every full batch; its bfloat16 is autocast.
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import statdl as sd
from benchmarks import card, data, many, peers
from statdl.study.bootstrap import case_weights

EAGER, GRAPH, LBFGS_LOOP = "PyTorch", "PyTorch, graph", "PyTorch L-BFGS"
RATE = 1e-3
#: What products are rounded to, by what ``products=`` calls it, as columns of the table say it.
ROUNDED = {"full": "", "tf32": ", TF32", "bf16": ", bf16"}
#: Epochs after which launches are compared with the plain one, and how far losses may differ.
COMPARED_EPOCHS, AGREEMENT = 10, 1e-4
MNIST = Path(__file__).parents[1] / "shared" / "data" / "mnist.npz"


@dataclass(frozen=True)
class Epoch:
    """A network of one hidden layer of rectifiers; peers must take multiples of its time."""

    title: str
    n: int
    inputs: int
    hidden: int
    classes: int
    batch: int
    goals: tuple[tuple[str, float], ...]
    launches: tuple[str, ...] = ("plain", "graph")

    def smaller(self, share: float) -> Epoch:
        """The same with fewer rows."""
        n = max(2 * self.batch, int(self.n * share))
        title = f"{n:,} × {self.inputs} → {self.hidden} → {self.classes}"
        return replace(self, title=title, n=n)

    def draw(self) -> tuple[Any, Any]:
        """Pixels of MNIST where they are, else random ones of its shape; on the host."""
        if self.inputs == 784 and MNIST.exists():
            with np.load(MNIST) as file:
                X = file["x_train"].reshape(60_000, 784)[: self.n]
                return X.astype(np.float32) / 255, file["y_train"][: self.n].astype(np.int64)
        random = np.random.default_rng(4)
        X = random.random((self.n, self.inputs), dtype=np.float32)
        eta = (X[:, : self.classes] - 0.5) * 8.0 + random.gumbel(size=(self.n, self.classes))
        return X, np.argmax(eta, axis=1)

    def record(self) -> dict[str, Any]:
        """Measure ourselves and the peers that are there."""
        X, y = self.draw()
        there = card.cupy.asarray(X), card.cupy.asarray(y)
        times = {
            name: self.epoch_time(ours(self, *there, **options))
            for name, options in self.ways.items()
        }
        for products, said in ROUNDED.items():
            for name, peer in ((EAGER, eager), (GRAPH, graph)):
                found = peer(self, X, y, products)
                if found is not None:
                    times[name + said] = self.epoch_time(found)
        full = [name for name, options in self.ways.items() if options["products"] == "full"]
        quickest = min(full, key=lambda name: times[name]["min_s"])
        mine = times[quickest]["min_s"]
        beaten = {name: least for name, least in self.goals if name in times}
        return {
            "task": f"{self.title}, batch {self.batch}, an epoch",
            "times": times,
            "goal": {"peers": dict(self.goals)},
            "quickest": quickest,
            "met": all(times[name]["min_s"] >= least * mine for name, least in beaten.items()),
            "differences": self.differences(*there),
        }

    @property
    def ways(self) -> dict[str, dict[str, str]]:
        """Ours, by what the table calls them: every launch, with all products that it has."""
        return {
            ("statdl" if launch == "plain" else f"statdl, {launch}") + said: {
                "launch": launch, "products": products
            }
            for launch in self.launches
            for products, said in ROUNDED.items()
            if launch != "epoch" or products == "full"
        }  # fmt: skip

    def differences(self, X: Any, y: Any) -> dict[str, dict[str, float]]:
        """Return how far each way is from the plain one after ten epochs, relative to the largest.

        Weights, and the loss of all rows. ``limit`` is given where only the launch differs.
        """
        fits = {
            name: ours(self, X, y, **options)(COMPARED_EPOCHS).estimate
            for name, options in self.ways.items()
        }
        plain = fits.pop("statdl")
        found = {}
        for name, fit in fits.items():
            weights = np.abs(fit.parameters - plain.parameters).max()
            found[name] = {
                "weights": float(weights / np.abs(plain.parameters).max()),
                "loss": abs(fit.loss - plain.loss) / abs(plain.loss),
            }
            if self.ways[name]["products"] == "full":
                found[name]["limit"] = AGREEMENT
        return found

    def epoch_time(self, train: Callable[[int], Any]) -> dict[str, float]:
        """Return the seconds of an epoch: the difference of a long run and a short one."""
        short, long = (card.best_of(partial(train, epochs), runs=2) for epochs in (1, 6))
        return {"min_s": max((long - short) / 5, 1e-9)}


EPOCHS = (
    Epoch("60,000 × 784 → 512 → 10", 60_000, 784, 512, 10, 256, ((EAGER, 3.0), (GRAPH, 1.0))),
    Epoch(
        "20,000 × 20 → 64 → 3", 20_000, 20, 64, 3, 64, ((EAGER, 10.0),), ("plain", "graph", "epoch")
    ),
)


def ours(task: Epoch, X: Any, y: Any, **options: Any) -> Callable[[int], Any]:
    """``sd.mlp`` on data that are on the card, with options of its gradient descent."""

    def train(epochs: int) -> Any:
        method = sd.GradientDescent(sd.Adam(RATE), batch=task.batch, epochs=epochs, **options)
        return sd.mlp(
            X=X, y=y, family="multinomial", hidden=task.hidden, activation="relu",
            method=method, scaling="none", dtype="float32", seed=1,
        )  # fmt: skip

    return train


def torch_on_card() -> Any:
    """Return PyTorch, or None where it or its card is missing."""
    if importlib.util.find_spec("torch") is None:
        return None
    torch: Any = importlib.import_module("torch")
    return torch if torch.cuda.is_available() else None


def _network(torch: Any, task: Epoch, **options: Any) -> tuple[Any, Any, Any]:
    nn = torch.nn
    net = nn.Sequential(
        nn.Linear(task.inputs, task.hidden), nn.ReLU(), nn.Linear(task.hidden, task.classes)
    ).cuda()
    return net, torch.optim.Adam(net.parameters(), lr=RATE, **options), nn.CrossEntropyLoss()


@contextmanager
def _precision(torch: Any, products: str) -> Iterator[None]:
    """Let PyTorch's products be of a precision, by the names of ours."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if products == "tf32" else "highest")
    try:
        # a cache of rounded weights would be captured as they are then
        with torch.autocast(
            "cuda", torch.bfloat16, enabled=products == "bf16", cache_enabled=False
        ):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def eager(task: Epoch, X: Any, y: Any, products: str) -> Callable[[int], Any] | None:
    """PyTorch's eager mode, data and order on the card."""
    torch = torch_on_card()
    if torch is None:
        return None
    rows, classes = torch.from_numpy(X).cuda(), torch.from_numpy(y).cuda()

    def train(epochs: int) -> None:
        net, optimiser, loss_of = _network(torch, task)
        for _ in range(epochs):
            order = torch.randperm(task.n, device="cuda")
            for first in range(0, task.n, task.batch):
                some = order[first : first + task.batch]
                optimiser.zero_grad()
                with _precision(torch, products):
                    loss = loss_of(net(rows[some]), classes[some])
                    loss.backward()
                optimiser.step()

    return train


def graph(task: Epoch, X: Any, y: Any, products: str) -> Callable[[int], Any] | None:
    """The same step, captured in a CUDA graph that is replayed for every full batch."""
    torch = torch_on_card()
    if torch is None:
        return None
    rows, classes = torch.from_numpy(X).cuda(), torch.from_numpy(y).cuda()
    net, optimiser, loss_of = _network(torch, task, capturable=True)
    some = torch.arange(task.batch, device="cuda")

    def step() -> None:
        optimiser.zero_grad(set_to_none=False)
        with _precision(torch, products):
            loss_of(net(rows[some]), classes[some]).backward()
        optimiser.step()

    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    captured = torch.cuda.CUDAGraph()
    with torch.cuda.graph(captured):
        step()

    def train(epochs: int) -> None:
        for _ in range(epochs):
            order = torch.randperm(task.n, device="cuda")
            for first in range(0, task.n - task.batch + 1, task.batch):
                some.copy_(order[first : first + task.batch])
                captured.replay()

    return train


def threads_of_an_epoch(share: float) -> dict[str, float]:
    """Time an epoch in one launch by the number of threads of its block."""
    epoch: Any = importlib.import_module("statdl.backend.epoch")
    task = next(one for one in EPOCHS if "epoch" in one.launches).smaller(share)
    X, y = (card.cupy.asarray(part) for part in task.draw())
    found, usual = {}, epoch.THREADS
    try:
        for threads in (128, 256, 512, 1024):
            epoch.THREADS = threads
            taken = task.epoch_time(ours(task, X, y, launch="epoch"))
            found[f"{threads} threads"] = taken["min_s"]
    finally:
        epoch.THREADS = usual
    for name, seconds in found.items():
        print(f"  {name}: {1e3 * seconds:.2f} ms an epoch")
    return found


def logit_refits(share: float) -> dict[str, Any]:
    """Return the record of 10,000 bootstrap refits of a logit, 2,000 × 5."""
    B = max(100, int(10_000 * share))
    drawn = data.bernoulli(2_000, 5)
    fit = sd.glm(X=card.cupy.asarray(drawn.X), y=card.cupy.asarray(drawn.y), family="binomial")
    times = {"statdl": {"min_s": card.best_of(lambda: sd.bootstrap(fit, B).estimates, runs=3)}}
    if importlib.util.find_spec("statsmodels") is not None:
        looped = 20
        here = sd.glm(X=drawn.X, y=drawn.y, family="binomial").estimate
        weights = case_weights(here, looped, 0)
        loop = many.Loop(many.statsmodels_logit, B, looped)
        taken = loop.contender(peers.STATSMODELS, drawn, weights).sample()[0]
        times[peers.STATSMODELS] = {"min_s": taken}
    goal = {"seconds": 1.0, "peers": {peers.STATSMODELS: 500.0}}
    return _record(f"{B:,} bootstrap refits of a logit, 2,000 × 5", times, goal)


def network_refits(share: float) -> dict[str, Any]:
    """Return the record of 1,000 bootstrap refits of mlp 10 → 8 → 1, n = 500."""
    B = max(10, int(1_000 * share))
    random = np.random.default_rng(0)
    X = random.standard_normal((500, 10))
    y = np.tanh(X @ random.standard_normal(10) * 0.4) + 0.3 * random.standard_normal(500)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of weights that the penalty alone identifies
        there = [card.cupy.asarray(part) for part in (X, y)]
        net = sd.mlp(X=there[0], y=there[1], hidden=8, decay=1.0, seed=0)
    times = {"statdl": {"min_s": card.best_of(lambda: sd.bootstrap(net, B).estimates, runs=1)}}
    loop = _lbfgs_loop(X, y, B)
    if loop is not None:
        times[LBFGS_LOOP] = {"min_s": loop}
    goal = {"seconds": 10.0, "peers": {LBFGS_LOOP: 100.0}}
    return _record(f"{B:,} bootstrap refits of mlp 10 → 8 → 1, n = 500", times, goal)


def _record(title: str, times: dict[str, Any], goal: dict[str, Any]) -> dict[str, Any]:
    mine = times["statdl"]["min_s"]
    there = {name: least for name, least in goal["peers"].items() if name in times}
    met = mine <= goal["seconds"] and all(
        times[name]["min_s"] >= least * mine for name, least in there.items()
    )
    return {"task": title, "times": times, "goal": goal, "met": met}


def _lbfgs_loop(X: Any, y: Any, B: int, looped: int = 5) -> float | None:
    """Return the seconds of B fits by PyTorch's L-BFGS on the card, timed over some of them."""
    torch = torch_on_card()
    if torch is None:
        return None
    rows = torch.from_numpy(X).cuda()
    response = torch.from_numpy(y).cuda()[:, None]

    def fits() -> None:
        for seed in range(looped):
            torch.manual_seed(seed)
            some = torch.randint(500, (500,), device="cuda")
            nn = torch.nn
            net = nn.Sequential(nn.Linear(10, 8), nn.Sigmoid(), nn.Linear(8, 1)).double().cuda()
            optimiser = torch.optim.LBFGS(
                net.parameters(), max_iter=500, line_search_fn="strong_wolfe"
            )

            def closure(net: Any = net, optimiser: Any = optimiser, some: Any = some) -> Any:
                optimiser.zero_grad()
                decay = sum((one**2).sum() for one in net.parameters() if one.ndim > 1)
                loss = 0.5 * ((net(rows[some]) - response[some]) ** 2).sum() + 0.5 * decay
                loss.backward()
                return loss

            optimiser.step(closure)

    return card.best_of(fits, runs=1) * B / looped
