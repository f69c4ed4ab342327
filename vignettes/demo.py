"""Three models on shipped data: what `make demo` shows."""

from __future__ import annotations

import statdl as sd


def main() -> None:
    """Fit lm, glm and multinom and print their summaries."""
    cars = sd.datasets.load("mtcars")
    heading("lm: fuel consumption of 32 cars")
    simple = sd.lm("mpg ~ wt", data=cars)
    fuller = sd.lm("mpg ~ wt + hp + factor(cyl)", data=cars)
    print(fuller.summary())
    heading("Do power and cylinders add to weight?")
    print(sd.anova(simple, fuller))
    heading("Where would the first cars lie, had we not seen them?")
    print(fuller.predict(cars.head(3), interval="prediction", level=0.95))

    heading("glm: which cars have a manual gearbox")
    print(sd.glm("am ~ wt", data=cars, family="binomial").summary())

    heading("multinom: how satisfied 1,681 tenants are")
    housing = sd.datasets.load("housing")
    tenants = sd.multinom("Sat ~ Infl + Type + Cont", data=housing, weights="Freq")
    print(tenants.summary())


def heading(text: str) -> None:
    """Print a line above what follows."""
    print(f"\n{text}\n{'─' * len(text)}")


if __name__ == "__main__":
    main()
