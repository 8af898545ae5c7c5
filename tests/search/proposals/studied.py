"""A study in a process of its own, to be killed at one of its trials.

python -m tests.search.proposals.studied URL SAMPLER OBJECTIVES TRIAL MOMENT

Some of its trials fail, some are stopped early; how one ends depends on its numbers and its number alone.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from search.proposals.history import Direction
from search.proposals.ledger import Ledger, open_ledger
from search.study_file.spec import SamplerSpec

COUNT = 64
MOMENTS = ("begun", "drawn", "told")
SITES = ("layer0.mlp", "layer1.mlp", "outer")
SPACE: dict[str, BaseDistribution] = {
    "method": CategoricalDistribution(("ties", "linear", "dare_ties")),
    **{f"weight.{site}.{expert}": FloatDistribution(-0.5, 1.0) for site in SITES for expert in "ab"},
    **{f"lambda.{site}": FloatDistribution(0.5, 1.5) for site in SITES},
}
START = {"method": "ties", **{name: 0.7 for name in SPACE if name != "method"}}
BOTH: tuple[Direction, ...] = ("maximize", "minimize")


def open_at(url: str, sampler: str, objectives: int) -> Ledger:
    """The ledger of this study."""
    spec = SamplerSpec.model_validate({"name": sampler, "seed": 3})
    directions: tuple[Direction, ...] = BOTH if objectives == 2 else ("maximize",)
    return open_ledger("s", url, spec, SPACE, [START], directions=directions, budget=COUNT)


def study(
    url: str, sampler: str, objectives: int, passed: Callable[[int, str], None] = lambda *_: None
) -> None:
    """Go on until all trials have ended; `passed` hears of each moment of each of them."""
    with closing(open_at(url, sampler, objectives)) as book:
        while book.standing().finished < COUNT:
            number = (book.standing().running or [book.create()])[0]
            passed(number, "begun")
            params = book.draw(number).params
            passed(number, "drawn")
            _end(book, number, params)
            passed(number, "told")


def _end(book: Ledger, number: int, params: Mapping[str, Any]) -> None:
    numbers = [value for value in params.values() if isinstance(value, float)]
    score = -sum((value - 0.6) ** 2 for value in numbers) - 0.3 * (params["method"] == "linear")
    if number % 7 == 3:
        book.fail(number)
    elif len(book.history.directions) > 1:
        book.tell(number, (score, sum(map(abs, numbers))))
    elif number % 5 == 2:
        book.prune(number, score - 0.01, items=10 + number)
    else:
        book.tell(number, score)


def main(url: str, sampler: str, objectives: str, die_at: str, moment: str) -> None:
    """Study until that moment of that trial, and be killed."""

    def passed(number: int, what: str) -> None:
        if (number, what) == (int(die_at), moment):
            os.kill(os.getpid(), signal.SIGKILL)

    study(url, sampler, int(objectives), passed)


if __name__ == "__main__":
    main(*sys.argv[1:])
