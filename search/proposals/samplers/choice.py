"""Which sampler `auto` is for a study, and why: by the size of its space, its budget and its objectives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from optuna.distributions import BaseDistribution

from search.proposals.samplers.coordinates import coarse_names

AUTO = "auto"
MOST_FOR_TPE = 1000
"""Trials; over more, populations find more."""
TRIALS_EACH = 4
"""A budget of fewer trials per coarse coordinate is too small for the space."""


@dataclass(frozen=True)
class Choice:
    """A sampler by name, and the reason if it was chosen here."""

    name: str
    why: str | None

    def __str__(self) -> str:
        return self.name if self.why is None else f"auto: {self.name}, for {self.why}"


def choose(
    name: str,
    distributions: Mapping[str, BaseDistribution],
    trials: int,
    objectives: int = 1,
    workers: int | None = None,
) -> Choice:
    """The sampler that a study gets which asks for `name`: that one, unless it is `auto`.

    `workers` change nothing but what is said: all samplers mind what others are measuring.
    """
    if name != AUTO:
        return Choice(name, None)
    found = len(distributions)
    size = f"{found} number{'' if found == 1 else 's'}"
    others = f", {workers} workers" if workers is not None and workers > 1 else ""
    if objectives > 1:
        chosen = "tpe" if trials <= MOST_FOR_TPE else "nsga2"
        return Choice(chosen, f"{objectives} objectives over {size} in {trials} trials{others}")
    chosen = "tpe" if trials <= MOST_FOR_TPE else "cmaes"
    return Choice(chosen, f"one objective over {size} in {trials} trials{others}")


def too_small(distributions: Mapping[str, BaseDistribution], trials: int) -> str | None:
    """A warning where the budget is too small for the space, with what would fit; None where it is not."""
    coarse = _coarse(distributions)
    needed = TRIALS_EACH * coarse
    if trials >= needed:
        return None
    return (
        f"budget.trials: {trials} are few for a search space of {coarse} coordinates (what all sites share"
        f" counts as one): about {needed} would fit; or search fewer methods' parameters or experts"
    )


def _coarse(names: Iterable[str]) -> int:
    return len(set(coarse_names(names).values()))
