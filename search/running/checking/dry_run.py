"""`crucible check --measure`: the base and one merge answer the search items, and nothing is kept of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

from evaluators.benchmarks.slices import Slice
from evaluators.engines.engine import Engine
from evaluators.judge import ToAsk, judge
from evaluators.score import Accuracy, ItemResult, MeanLogprob, wilson
from search.candidates.candidate import Sent
from search.proposals.baselines import baselines
from search.running.checking.forecast import Forecast, forecast
from search.running.outlook import Idle, idle_slices
from search.running.workshop import Workshop
from search.showing.display import Display
from search.showing.goals import value_of
from search.showing.step import Step
from studies.objectives.goals import GOLD
from studies.report.table import percent

Score = Accuracy | MeanLogprob


@dataclass(frozen=True)
class DryRun:
    """What the base and the uniform merge told of the search to come."""

    scores: Mapping[str, Mapping[str, Score]]
    """By slice, then by who was asked."""
    idle: tuple[Idle, ...]
    merging: float
    """Seconds in which the uniform merge was merged into the engine."""
    seconds: float
    """Of a whole trial: to merge it, to answer the search items and to grade the answers."""
    tokens: int
    """Of a trial's answers: generated, or those of the choices or gold answers that were scored."""
    budget: Forecast

    @property
    def steered(self) -> bool:
        """Whether there is a slice that steers, or may."""
        return len(self.idle) < len(self.scores)

    def to_json(self) -> dict[str, Any]:
        """As `crucible check --measure --json` prints it, under `measured`; shares are fractions."""
        return {
            "slices": {
                part: {name: _score(score) for name, score in found.items()}
                for part, found in self.scores.items()
            },
            "steers_nothing": [each.to_json() for each in self.idle],
            "trial": {"seconds": self.seconds, "merging_seconds": self.merging, "tokens": self.tokens},
            "budget": self.budget.to_json(),
        }

    def to_text(self) -> str:
        """A few lines for a person."""
        lines = [f"{part}: {_listed(found)}" for part, found in self.scores.items()]
        lines += [str(each) for each in self.idle]
        if not self.steered:
            lines.append("no slice steers: `crucible run` asks for --anyway if the experts answer alike")
        lines.append(
            f"a trial takes {self.seconds:.2f} s ({self.merging:.2f} s to merge, as uniform is merged)"
            f" and {self.tokens:,} tokens of answers"
        )
        return "\n".join([*lines, f"the budget would end {self.budget.to_text()}"])


def dry_run(workshop: Workshop, engine: Engine, display: Display, side_by_side: float = 1.0) -> DryRun:
    """Ask the search items of the base and of the uniform merge; holdout items are asked of nobody.

    The forecast is for a run that measures so many candidates `side_by_side`, each as quickly as here.

    Raises:
        CandidateError: the uniform merge holds NaN or Inf. EngineError: the engine failed.
    """
    answers = {name: Answers() for name in ("base", "uniform")}
    display.follow(_ask(workshop, engine, answers))
    uniform = answers["uniform"]
    scores = {
        part.name: {name: _scored(part, each.results[part.name]) for name, each in answers.items()}
        for part in workshop.search_slices
    }
    return DryRun(
        scores=scores,
        idle=idle_slices(workshop, scores, unasked=True),
        merging=uniform.merging,
        seconds=uniform.merging + uniform.answering,
        tokens=sum(result.tokens for results in uniform.results.values() for result in results),
        budget=_budget(workshop, uniform, side_by_side),
    )


@dataclass
class Answers:
    """What one model has answered so far, and how long that took."""

    merging: float = 0.0
    answering: float = 0.0
    """Seconds until all was answered and graded, which is done side by side."""
    results: dict[str, list[ItemResult]] = field(default_factory=dict)
    """By slice."""

    def seconds(self, part: str) -> float:
        """A slice's share of these."""
        spent = {name: sum(result.seconds for result in found) for name, found in self.results.items()}
        return self.answering * spent[part] / sum(spent.values())


def _ask(workshop: Workshop, engine: Engine, answers: Mapping[str, Answers]) -> Iterator[Step]:
    """The base goes first, so that what an engine does only once does not count as a trial's time."""
    recipes = {entrant.name: entrant.recipe for entrant in baselines(workshop.space)}
    total, done = len(answers) * len(workshop.search_slices), 0
    for name, found in answers.items():
        found.merging = _load(engine, Sent(recipes[name], here=workshop.worker))
        found.results = {part.name: [] for part in workshop.search_slices}
        began = time.monotonic()
        judge(engine, [ToAsk(part, found.results[part.name].extend) for part in workshop.search_slices])
        found.answering = time.monotonic() - began
        for part in workshop.search_slices:
            done += 1
            score, seconds = _scored(part, found.results[part.name]).mean, found.seconds(part.name)
            gold = part.scoring == "gold"
            yield Step("dry run", done, total, f"{name} {part.name}", score, seconds=seconds, gold=gold)


def _load(engine: Engine, source: Sent) -> float:
    """Seconds of the second time: the first merge by a method may compile it."""
    engine.load(source)
    began = time.monotonic()
    engine.load(source)
    return time.monotonic() - began


def _budget(workshop: Workshop, uniform: Answers, side_by_side: float) -> Forecast:
    budget = workshop.spec.budget
    return forecast(
        trial=uniform.merging + uniform.answering,
        holdout=_holdout(workshop, uniform),
        entrants=len(baselines(workshop.space)),
        trials=budget.trials,
        finalists=budget.finalists,
        hours=budget.hours,
        side_by_side=side_by_side,
    )


def _holdout(workshop: Workshop, uniform: Answers) -> float | None:
    """Seconds of one candidate's holdout items, at the pace of the search items of the same slice."""
    timed = {part.name: part for part in workshop.search_slices}
    seconds = uniform.merging
    for part in workshop.holdout_slices:
        if timed[part.name].scoring != part.scoring:
            return None
        seconds += len(part.items) * uniform.seconds(part.name) / len(timed[part.name].items)
    return seconds


def _scored(part: Slice, results: Sequence[ItemResult]) -> Score:
    if part.scoring != "gold":
        return wilson(sum(result.correct for result in results), len(results))
    per_token = [result.logprob / result.tokens for result in results if result.logprob is not None]
    return MeanLogprob(fmean(per_token), len(per_token))


def _score(score: Score) -> dict[str, Any]:
    of: dict[str, Any] = {"of": "gold_logprob"} if isinstance(score, MeanLogprob) else {}
    return asdict(score) | of


def _listed(found: Mapping[str, Score]) -> str:
    """What each scores, with interval and n."""
    said = []
    for name, score in found.items():
        if isinstance(score, MeanLogprob):
            said.append(f"{name} {value_of(GOLD, score.mean)} per gold token (n = {score.n})")
        else:
            low, high = map(percent, (score.low, score.high))
            said.append(f"{name} {percent(score.mean)} [{low}, {high}] (n = {score.n})")
    return ", ".join(said)
