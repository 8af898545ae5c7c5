"""Slices that cannot tell one merge from another: nobody answers any of their items, or everybody all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluators.benchmarks.slices import Slice
from evaluators.benchmarks.tasks import examples
from evaluators.score import Accuracy, MeanLogprob
from search.errors import NothingSteers
from search.proposals.baselines import baselines
from search.running.measure import Bench
from search.running.workshop import Workshop
from studies.verdicts.scores import slice_scores


@dataclass(frozen=True)
class Idle:
    """A search slice that steers nothing: all who were asked answer none of its items rightly, or all."""

    slice: str
    each: Accuracy
    """Of each who was asked, with the interval that so many items allow."""
    asked: tuple[str, ...]
    helps: tuple[str, ...]
    """What may make it steer."""
    unasked: bool = False
    """Whether there are baselines that were not asked, who may answer otherwise."""

    def __str__(self) -> str:
        each, doubt = self.each, " as far as that tells" if self.unasked else ""
        more = "; the experts were not asked" if self.unasked else ""
        return (
            f"slice '{self.slice}' steers nothing{doubt}: {', '.join(self.asked[:-1])} and {self.asked[-1]}"
            f" each answer {round(each.mean * each.n)} of its {each.n} search items rightly"
            f" ({each.mean:.1%}, 95% interval {each.low:.1%} to {each.high:.1%}){more};"
            f" what helps: {'; '.join(self.helps)}"
        )

    def to_json(self) -> dict[str, Any]:
        """As `crucible check --measure --json` prints it; shares are fractions."""
        return {
            "slice": self.slice,
            "mean": self.each.mean,
            "n": self.each.n,
            "low": self.each.low,
            "high": self.each.high,
            "asked": list(self.asked),
            "helps": list(self.helps),
        }


def idle_slices(
    workshop: Workshop, scores: Mapping[str, Mapping[str, Accuracy | MeanLogprob]], unasked: bool = False
) -> tuple[Idle, ...]:
    """The search slices that steer nothing, by what each baseline that was asked scores on each slice.

    `scores` are by slice, then by the baseline's name. A slice that is scored by the log-probability of its
    gold answers moves with every weight: it is never among them.
    """
    return tuple(
        Idle(part.name, each, tuple(found), _helps(workshop, part, each), unasked)
        for part in workshop.search_slices
        if (each := _alike(list((found := scores[part.name]).values()))) is not None
    )


def baseline_scores(workshop: Workshop, bench: Bench) -> dict[str, dict[str, Accuracy | MeanLogprob]]:
    """What the store holds of the baselines, all of them measured: by slice, then by the baseline's name."""
    digests = {entrant.name: entrant.recipe.digest for entrant in baselines(workshop.space)}
    found: dict[str, dict[str, Accuracy | MeanLogprob]] = {}
    for part in workshop.search_slices:
        scores = slice_scores(bench.store, list(digests.values()), bench.key(part), part.scoring)
        found[part.name] = {name: scores[digest] for name, digest in digests.items()}
    return found


def faint_slices(
    workshop: Workshop, scores: Mapping[str, Mapping[str, Accuracy | MeanLogprob]]
) -> tuple[str, ...]:
    """What to say of slices whose best expert answers hardly anything, where the worst slice steers.

    `scores` are as `idle_slices` takes them.
    """
    if all(goal.kind != "worst_slice" for goal in workshop.spec.goals):
        return ()
    found = []
    for part in workshop.search_slices:
        experts = [scores[part.name][name] for name in workshop.spec.expert_names]
        best = max(experts, key=lambda each: each.mean)
        if isinstance(best, Accuracy) and best.low <= best.mean / 2:
            found.append(
                f"slice '{part.name}': its best expert answers {round(best.mean * best.n)} of its {best.n}"
                f" search items rightly (95% interval {best.low:.1%} to {best.high:.1%}); shares of so few"
                " are mostly chance, which then decides which slice is worst; more or easier items help"
            )
    return tuple(found)


def check_steered(workshop: Workshop, idle: Sequence[Idle]) -> None:
    """Refuse a search that no slice would steer.

    Raises NothingSteers with what helps: every search slice is idle.
    """
    if len(idle) == len(workshop.search_slices):
        helps = "; ".join(dict.fromkeys(help_ for each in idle for help_ in each.helps))
        raise NothingSteers(
            f"study '{workshop.spec.name}': slices: none steers the search"
            f" ({', '.join(each.slice for each in idle)}), so nothing was searched; what the baselines"
            f" answered is kept. Change the study under another name ({helps}),"
            " or search all the same with --anyway"
        )


def _alike(scores: Sequence[Accuracy | MeanLogprob]) -> Accuracy | None:
    """The accuracy that all have, where that is none or all of the items."""
    first, *others = scores
    if isinstance(first, Accuracy) and first.mean in (0.0, 1.0) and all(each == first for each in others):
        return first
    return None


def _helps(workshop: Workshop, part: Slice, each: Accuracy) -> tuple[str, ...]:
    """What may help, less what the study would be refused for."""
    nobody = each.mean == 0.0
    items = [item for other in workshop.search_slices for item in other.items]
    gold = ("`objective: gold_logprob`",) if all(item.gold for item in items) else ()
    (asked,) = (s.num_fewshot for s in workshop.spec.slices if s.name == part.name)
    shots, most = examples(part.task, asked)
    more = nobody and (most is None or shots < most)
    fewer = not nobody and shots > 0
    shown = (f"{'more' if more else 'fewer'} few-shots (num_fewshot is {shots})",) if more or fewer else ()
    return (*gold, *shown, f"other, {'easier' if nobody else 'harder'} items")
