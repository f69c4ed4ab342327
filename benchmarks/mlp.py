"""The mlp suite: training networks, beside PyTorch's eager mode and scikit-learn.

Everybody trains the same network on the same arrays in single precision, by Adam, for the same
number of epochs, and from frame to fitted model. Every task says how many times as long each peer
has to take.
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import statdl as sd
from benchmarks import machine, optimum
from benchmarks.timing import Contender, clocked, race

STATDL, TORCH, SKLEARN = "statdl", "PyTorch", "scikit-learn"
RATE = 1e-3


@dataclass(frozen=True)
class Task:
    """A network of one hidden layer of rectifiers, and how it is trained.

    ``goals`` are multiples of statdl's time that a peer has to take, by peer.
    """

    n: int
    inputs: int
    hidden: int
    classes: int
    batch: int
    epochs: int
    goals: Mapping[str, float]

    @property
    def title(self) -> str:
        """What the table calls it."""
        shape = f"{self.n:,} × {self.inputs} → {self.hidden} → {self.classes}"
        return f"{shape}, batch {self.batch}, {self.epochs} epochs"

    def smaller(self) -> Task:
        """The same with few rows, to see that all runs."""
        return Task(
            4 * self.batch, self.inputs, self.hidden, self.classes, self.batch, 1, self.goals
        )

    def draw(self) -> Drawn:
        """Classes that the first inputs decide, and noise."""
        rng = np.random.default_rng(4)
        X = rng.standard_normal((self.n, self.inputs), dtype=np.float32)
        eta = X[:, : self.classes] * 2.0 + rng.gumbel(size=(self.n, self.classes))
        return Drawn(X, np.argmax(eta, axis=1))

    def contenders(self) -> list[Contender]:
        """Ourselves and the peers that are installed."""
        drawn = self.draw()
        found = [clocked(STATDL, ours(self, drawn))]
        for name, module, peer in ((TORCH, "torch", torch), (SKLEARN, "sklearn", sklearn)):
            if importlib.util.find_spec(module):
                found.append(clocked(name, peer(self, drawn)))
        return found


@dataclass(frozen=True)
class Drawn:
    """Inputs (n, p) in single precision and classes 0 … K − 1."""

    X: npt.NDArray[np.float32]
    y: npt.NDArray[np.int64]


TASKS = (
    Task(60_000, 784, 512, 10, 256, 3, {TORCH: 1.0}),
    Task(20_000, 20, 64, 3, 64, 10, {TORCH: 6.0, SKLEARN: 4.0}),
)


def ours(task: Task, drawn: Drawn) -> Callable[[], Any]:
    """``sd.mlp``; the result is the share of rows it puts in the right class."""
    method = sd.GradientDescent(sd.Adam(RATE), batch=task.batch, epochs=task.epochs)

    def fit() -> Callable[[], float]:
        net = sd.mlp(
            X=drawn.X,
            y=drawn.y,
            family="multinomial",
            hidden=task.hidden,
            activation="relu",
            method=method,
            scaling="none",
            dtype="float32",
        )
        return lambda: accuracy(np.asarray(net.predict(drawn.X, type="response")), drawn)

    return fit


def torch(task: Task, drawn: Drawn) -> Callable[[], Any]:
    """PyTorch's eager mode, as its tutorials write it, without a loader's overhead."""
    library = importlib.import_module("torch")
    X, y = library.from_numpy(drawn.X), library.from_numpy(drawn.y)

    def fit() -> Callable[[], float]:
        nn = library.nn
        net = nn.Sequential(
            nn.Linear(task.inputs, task.hidden), nn.ReLU(), nn.Linear(task.hidden, task.classes)
        )
        optimiser = library.optim.Adam(net.parameters(), lr=RATE)
        loss_of = nn.CrossEntropyLoss()
        for _ in range(task.epochs):
            order = library.randperm(task.n)
            for first in range(0, task.n, task.batch):
                rows = order[first : first + task.batch]
                optimiser.zero_grad()
                loss_of(net(X[rows]), y[rows]).backward()
                optimiser.step()

        def judge() -> float:
            with library.no_grad():
                return accuracy(net(X).numpy(), drawn)

        return judge

    return fit


def sklearn(task: Task, drawn: Drawn) -> Callable[[], Any]:
    """scikit-learn's MLPClassifier with its early end turned off."""
    library = importlib.import_module("sklearn.neural_network")

    def fit() -> Callable[[], float]:
        net = library.MLPClassifier(
            (task.hidden,),
            alpha=0.0,
            batch_size=task.batch,
            learning_rate_init=RATE,
            max_iter=task.epochs,
            n_iter_no_change=task.epochs + 1,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the epochs are over
            net.fit(drawn.X, drawn.y)
        return lambda: accuracy(net.predict_proba(drawn.X), drawn)

    return fit


def accuracy(scores: Any, drawn: Drawn) -> float:
    """Share of rows whose largest score is their class."""
    return float(np.mean(np.argmax(scores, axis=1) == drawn.y))


def suite(repeat: int, quick: bool, only: str, limit_s: float) -> Iterator[dict[str, Any]]:
    """Yield the machine's facts first, then a record for each task."""
    yield {"machine": machine.facts(), "quick": quick, "repeat": repeat}
    for task in TASKS:
        if only in task.title:
            used = task.smaller() if quick else task
            contenders = used.contenders()
            race(contenders, repeat, least_s=0.0, limit_s=limit_s)
            yield record(task, contenders)
    if importlib.util.find_spec("sklearn"):  # whose data they are
        for fitted in optimum.TASKS:
            if only in fitted.title:
                contenders = fitted.contenders(quick)
                race(contenders, min(repeat, 3), least_s=0.0, limit_s=limit_s)
                yield fitted.record(contenders)


def record(task: Task, contenders: list[Contender]) -> dict[str, Any]:
    """One task as it is written to JSON: times, goals and whether they were met, accuracies."""
    times = {contender.name: contender.summary for contender in contenders}
    mine = times[STATDL]["min_s"]
    measured = {name: goal for name, goal in task.goals.items() if name in times}
    return {
        "task": task.title,
        "goal": {"peers": dict(task.goals)},
        "met": all(times[name]["min_s"] >= goal * mine for name, goal in measured.items()),
        "times": times,
        "accuracy": {one.name: round(one.result(), 4) for one in contenders},
        "agreement": None,
    }
