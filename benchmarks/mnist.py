"""The lectures' MNIST network: 784 → 512 ReLU → 10, Adam, batch 256, 12 epochs, a quarter held out.

``python -m benchmarks.mnist mnist.npz`` trains it on the data given, an npz with ``x_train`` and
``y_train`` (which do not come with the package), prints the history and writes
``benchmarks/results/mnist.json``. The training accuracy should end above 0.99, the validation
accuracy near 0.98.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import statdl as sd
from benchmarks import machine
from benchmarks.readme import RESULTS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mnist", description=__doc__)
    parser.add_argument("data", type=Path, help="npz with x_train (n, 28, 28) and y_train (n,)")
    parser.add_argument("--output", type=Path, default=RESULTS / "mnist.json")
    options = parser.parse_args(arguments)
    with np.load(options.data) as file:
        X, y = file["x_train"], file["y_train"]
    found = trained(X.reshape(len(X), -1).astype(np.float32) / 255, y)
    print(f"accuracy {found['accuracy']:.4f}, validation {found['validation_accuracy']:.4f}")
    document = {"machine": machine.facts(), **found}
    options.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0 if found["accuracy"] > 0.99 and 0.97 < found["validation_accuracy"] < 0.99 else 1


def trained(X: Any, y: Any) -> dict[str, Any]:
    """Train, and return the last epoch, the seconds and the history."""
    begun = time.perf_counter()
    net = sd.mlp(
        X=X,
        y=y,
        family="multinomial",
        hidden=512,
        activation="relu",
        method=sd.GradientDescent(sd.Adam(1e-3), batch=256, epochs=12),
        validation=0.25,
        scaling="none",
        dtype="float32",
    )
    assert isinstance(net, sd.NetworkFit)
    history = net.history
    last = history.iloc[-1]
    return {
        "seconds": round(time.perf_counter() - begun, 1),
        "accuracy": round(float(last["accuracy"]), 4),
        "validation_accuracy": round(float(last["validation_accuracy"]), 4),
        "loss": [round(float(value), 4) for value in history["loss"]],
        "validation_loss": [round(float(value), 4) for value in history["validation_loss"]],
    }


if __name__ == "__main__":
    sys.exit(main())
