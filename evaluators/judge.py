"""The loop that asks an engine the items of a slice and grades what it says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from time import perf_counter

from evaluators.engine import Completion, Engine
from evaluators.graders import GRADERS, Grade
from evaluators.score import ItemResult
from evaluators.slices import Item, Slice

BATCH = 64


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


def _answered(engine: Engine, slice_: Slice, items: Sequence[Item]) -> list[ItemResult]:
    began = perf_counter()
    completions = engine.generate([item.prompt for item in items], slice_.stop, slice_.max_tokens)
    grades = GRADERS[slice_.grader](items, [completion.text for completion in completions])
    share = (perf_counter() - began) / len(items)
    return [
        _result(slice_, item, completion, grade, share)
        for item, completion, grade in zip(items, completions, grades, strict=True)
    ]


def _result(slice_: Slice, item: Item, completion: Completion, grade: Grade, seconds: float) -> ItemResult:
    return ItemResult(
        item=item.index,
        correct=grade.correct,
        text=completion.text,
        tokens=completion.tokens,
        seconds=seconds,
        prompt_hash=slice_.prompt_hash(item),
        extracted=grade.extracted,
    )
