"""The loop that asks an engine the items of slices, and judges what it says while it says more."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from time import perf_counter

from evaluators.benchmarks.choices import pick
from evaluators.benchmarks.graders import RUNS_CODE, grade_by
from evaluators.benchmarks.slices import Item, Slice
from evaluators.engines.engine import Completion, Engine, Likelihood
from evaluators.sandbox.run import isolation
from evaluators.score import ItemResult

BATCH = 64
WAITING = 4
"""Answered batches that may wait to be graded: so much is lost at most where a process is killed."""


@dataclass(frozen=True)
class ToAsk:
    """A slice to be asked, and who gets its results, batch by batch."""

    slice_: Slice
    deliver: Callable[[list[ItemResult]], None]
    """Called in the thread that grades."""
    skip: Collection[int] = ()
    """Items that are known."""


def check_gradable(slices: Iterable[Slice]) -> None:
    """Make sure, before anything is asked, that answers which are programs can be run here.

    Raises:
        SandboxError: this machine cannot isolate them; the message is one line with the remedy.
    """
    if any(map(_runs_code, slices)):
        isolation()


def judge(
    engine: Engine,
    asked: Iterable[ToAsk],
    *,
    between: Callable[[], None] = lambda: None,
    answered: Callable[[float], None] = lambda seconds: None,
) -> None:
    """Ask the items that are not known; each batch is graded and delivered while the next is answered.

    Batches are cut from the whole slice: a resumed slice is asked in the batches of an undisturbed one.
    Slices whose answers are run go first, so that a sandbox has time until the last answer; results are
    delivered in the order in which they are asked, all in one other thread. `between` is called here before
    each batch, and `answered` after it with the seconds that the engine took.

    Whatever ends it early, what was answered is graded and delivered first. Raises EngineError when the
    engine or a grader's runner breaks; the batch is then not delivered: unscored. What `deliver` raises is
    raised here.
    """
    with _grading() as desk:
        for each, items in _batches(asked):
            between()
            began = perf_counter()
            grade = _ASK[each.slice_.scoring](engine, each.slice_, items)
            seconds = perf_counter() - began
            answered(seconds)
            desk.take(partial(_hand_over, each, items, grade, seconds))
        desk.settle(0)


def _runs_code(slice_: Slice) -> bool:
    return slice_.scoring == "generate" and slice_.grader in RUNS_CODE


def _batches(asked: Iterable[ToAsk]) -> Iterator[tuple[ToAsk, list[Item]]]:
    for each in sorted(asked, key=lambda each: not _runs_code(each.slice_)):
        for start in range(0, len(each.slice_.items), BATCH):
            items = [i for i in each.slice_.items[start : start + BATCH] if i.index not in each.skip]
            if items:
                yield each, items


class _Desk:
    """Where one thread works off what it is given, in order; after a failure it does no more."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool, self._failed = pool, False
        self._waiting: deque[Future[None]] = deque()

    def take(self, work: Callable[[], None]) -> None:
        """Have it done, once not too much waits; raises what earlier work raised."""
        self._waiting.append(self._pool.submit(self._do, work))
        self.settle(WAITING)

    def settle(self, most: int) -> None:
        """Wait until at most so much waits; raises what the work raised."""
        while self._waiting and (len(self._waiting) > most or self._waiting[0].done()):
            self._waiting[0].result()
            self._waiting.popleft()

    def failures(self) -> list[BaseException]:
        """Wait until all is done; what it raised that nobody has seen."""
        return [error for each in self._waiting if (error := each.exception()) is not None]

    def _do(self, work: Callable[[], None]) -> None:
        if self._failed:
            return
        try:
            work()
        except BaseException:
            self._failed = True
            raise


@contextmanager
def _grading() -> Iterator[_Desk]:
    """A desk that is empty when the block ends, however it ends."""
    with ThreadPoolExecutor(1, thread_name_prefix="grading") as pool:
        desk = _Desk(pool)
        try:
            yield desk
        except BaseException as error:
            for other in desk.failures():
                if other is not error:
                    error.add_note(f"besides, what was answered before could not be kept: {other}")
            raise


@dataclass(frozen=True)
class _Answer:
    """What an engine said to one item, and the verdict."""

    correct: bool
    text: str
    tokens: int
    extracted: str | None = None
    logprob: float | None = None


_Grade = Callable[[], list[_Answer]]
"""Verdicts to come, on what has been said."""


def _hand_over(to: ToAsk, items: Sequence[Item], grade: _Grade, seconds: float) -> None:
    began = perf_counter()
    answers = grade()
    share = (seconds + perf_counter() - began) / len(items)
    to.deliver(
        [
            ItemResult(
                item=item.index,
                correct=answer.correct,
                text=answer.text,
                tokens=answer.tokens,
                seconds=share,
                prompt_hash=to.slice_.prompt_hash(item),
                extracted=answer.extracted,
                logprob=answer.logprob,
            )
            for item, answer in zip(items, answers, strict=True)
        ]
    )


def _generated(engine: Engine, slice_: Slice, items: Sequence[Item]) -> _Grade:
    completions = engine.generate([item.prompt for item in items], slice_.stop, slice_.max_tokens)
    return partial(_graded, slice_.grader, items, completions)


def _graded(grader: str, items: Sequence[Item], completions: Sequence[Completion]) -> list[_Answer]:
    grades = grade_by(grader, items, [completion.text for completion in completions])
    return [
        _Answer(grade.correct, completion.text, completion.tokens, grade.extracted)
        for completion, grade in zip(completions, grades, strict=True)
    ]


def _chosen(engine: Engine, slice_: Slice, items: Sequence[Item]) -> _Grade:
    """All choices of all items in one call: choices share their contexts."""
    said = engine.loglikelihood([(item.prompt, choice) for item in items for choice in item.choices])
    return partial(_choices, slice_.grader, items, said)


def _choices(grader: str, items: Sequence[Item], said: Iterable[Likelihood]) -> list[_Answer]:
    found = iter(said)
    return [_choice(grader, item, list(islice(found, len(item.choices)))) for item in items]


def _choice(grader: str, item: Item, likelihoods: Sequence[Likelihood]) -> _Answer:
    assert item.right is not None, f"item {item.index} of a slice of choices has no right one"
    chosen = pick(grader, item.choices, [each.logprob for each in likelihoods])
    return _Answer(
        correct=chosen == item.right,
        text=item.choices[chosen],
        tokens=likelihoods[chosen].tokens,
        logprob=likelihoods[item.right].logprob,
    )


def _gold(engine: Engine, slice_: Slice, items: Sequence[Item]) -> _Grade:
    """No text: the model is not asked for an answer, only how likely it finds the given one."""
    found = engine.loglikelihood([(item.prompt, item.gold) for item in items])
    return lambda: [_Answer(each.greedy, "", each.tokens, logprob=each.logprob) for each in found]


_ASK: Mapping[str, Callable[[Engine, Slice, Sequence[Item]], _Grade]] = {
    "generate": _generated,
    "choices": _chosen,
    "gold": _gold,
}
