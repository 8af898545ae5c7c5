"""The loop that asks an engine the items of a slice and judges what it says, as the slice is scored."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter

from evaluators.benchmarks.choices import pick
from evaluators.benchmarks.graders import RUNS_CODE, grade_by
from evaluators.benchmarks.slices import Item, Slice
from evaluators.engines.engine import Engine, Likelihood
from evaluators.sandbox.run import isolation
from evaluators.score import ItemResult

BATCH = 64


def check_gradable(slices: Iterable[Slice]) -> None:
    """Make sure, before anything is asked, that answers which are programs can be run here.

    Raises:
        SandboxError: this machine cannot isolate them; the message is one line with the remedy.
    """
    if any(part.scoring == "generate" and part.grader in RUNS_CODE for part in slices):
        isolation()


def judge(
    engine: Engine, slice_: Slice, skip: Collection[int], deliver: Callable[[list[ItemResult]], None]
) -> None:
    """Ask the items that are not in `skip` and deliver each batch as soon as it is graded.

    Batches are cut from the whole slice: a resumed slice is asked in the batches of an undisturbed one.
    Raises EngineError when the engine or a grader's runner breaks; the batch is then not delivered: unscored.
    """
    for start in range(0, len(slice_.items), BATCH):
        items = [item for item in slice_.items[start : start + BATCH] if item.index not in skip]
        if items:
            deliver(_answered(engine, slice_, items))


@dataclass(frozen=True)
class _Answer:
    """What an engine said to one item, and the verdict."""

    correct: bool
    text: str
    tokens: int
    extracted: str | None = None
    logprob: float | None = None


def _answered(engine: Engine, slice_: Slice, items: Sequence[Item]) -> list[ItemResult]:
    began = perf_counter()
    answers = _ASK[slice_.scoring](engine, slice_, items)
    share = (perf_counter() - began) / len(items)
    return [
        ItemResult(
            item=item.index,
            correct=answer.correct,
            text=answer.text,
            tokens=answer.tokens,
            seconds=share,
            prompt_hash=slice_.prompt_hash(item),
            extracted=answer.extracted,
            logprob=answer.logprob,
        )
        for item, answer in zip(items, answers, strict=True)
    ]


def _generated(engine: Engine, slice_: Slice, items: Sequence[Item]) -> list[_Answer]:
    completions = engine.generate([item.prompt for item in items], slice_.stop, slice_.max_tokens)
    grades = grade_by(slice_.grader, items, [completion.text for completion in completions])
    return [
        _Answer(grade.correct, completion.text, completion.tokens, grade.extracted)
        for completion, grade in zip(completions, grades, strict=True)
    ]


def _chosen(engine: Engine, slice_: Slice, items: Sequence[Item]) -> list[_Answer]:
    """All choices of all items in one call: choices share their contexts."""
    found = iter(engine.loglikelihood([(item.prompt, choice) for item in items for choice in item.choices]))
    return [_choice(slice_.grader, item, list(islice(found, len(item.choices)))) for item in items]


def _choice(grader: str, item: Item, likelihoods: Sequence[Likelihood]) -> _Answer:
    assert item.right is not None, f"item {item.index} of a slice of choices has no right one"
    chosen = pick(grader, item.choices, [each.logprob for each in likelihoods])
    return _Answer(
        correct=chosen == item.right,
        text=item.choices[chosen],
        tokens=likelihoods[chosen].tokens,
        logprob=likelihoods[item.right].logprob,
    )


def _gold(engine: Engine, slice_: Slice, items: Sequence[Item]) -> list[_Answer]:
    """No text: the model is not asked for an answer, only how likely it finds the given one."""
    found = engine.loglikelihood([(item.prompt, item.gold) for item in items])
    return [_Answer(each.greedy, "", each.tokens, logprob=each.logprob) for each in found]


_ASK: Mapping[str, Callable[[Engine, Slice, Sequence[Item]], list[_Answer]]] = {
    "generate": _generated,
    "choices": _chosen,
    "gold": _gold,
}
