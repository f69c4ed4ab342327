"""The pictures of README.md: ``python -m tools.pictures`` draws them into docs/images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import statdl as sd

IMAGES = Path(__file__).parents[1] / "docs" / "images"


def network_effect() -> object:
    """A network's effect of weight, with its band."""
    cars = sd.datasets.load("mtcars")
    net = sd.mlp("mpg ~ wt + hp", data=cars, hidden=2, decay=0.1, restarts=10)
    return net.plot_effect("wt")


def polynomials() -> object:
    """Degrees 1, 5 and 15 of one scatter, with their verdicts."""
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 1, 60)
    y = np.sin(2 * np.pi * x) + rng.normal(0, 0.3, 60)
    return sd.polynomial("y ~ x", data={"x": x, "y": y}, degrees=range(1, 16)).plot_fits(
        (1, 5, 15)
    )[0]


PICTURES = {"network-effect": network_effect, "polynomials": polynomials}


def main() -> None:
    """Draw all of them."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        figure = draw().figure  # type: ignore[attr-defined]
        figure.savefig(IMAGES / f"{name}.png", dpi=130, metadata={"Software": None})


if __name__ == "__main__":
    main()
