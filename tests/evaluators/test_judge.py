import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from evaluators.benchmarks.slices import Item, Slice
from evaluators.engines.engine import Completion, Likelihood, WeightSource
from evaluators.engines.transformers import TransformersEngine
from evaluators.errors import EngineError
from evaluators.judge import BATCH, ToAsk, judge
from evaluators.score import ItemResult


class Scripted:
    """An Engine that answers each number with the even one below, and breaks when it is told to.

    It finds a text the likelier the shorter it is, and would say any of up to three characters itself.
    """

    description = "scripted"
    context = 512

    def __init__(self, breaks_at: int | None = None) -> None:
        self.asked: list[list[str]] = []
        self.breaks_at = breaks_at

    def load(self, source: WeightSource) -> None: ...

    def generate(self, prompts: Sequence[str], stop: Sequence[str], max_tokens: int) -> list[Completion]:
        if len(self.asked) == self.breaks_at:
            raise EngineError("out of memory")
        self.asked.append(list(prompts))
        return [Completion(f"#### {int(prompt) // 2 * 2}", 7) for prompt in prompts]

    def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> list[Likelihood]:
        self.asked.append([context + continuation for context, continuation in pairs])
        return [Likelihood(-float(len(text)), len(text), len(text) < 4) for _, text in pairs]

    def close(self) -> None: ...


@pytest.fixture
def numbers() -> Slice:
    items = tuple(Item(n, str(n), {"answer": f"#### {n}"}) for n in range(150))
    return Slice("numbers", "gsm8k", "search", items, ("\n",), 8, "gsm8k")


def test_every_item_is_answered_and_graded_in_batches(numbers: Slice) -> None:
    batches: list[list[ItemResult]] = []
    judge(Scripted(), [ToAsk(numbers, batches.append)])
    assert [len(batch) for batch in batches] == [BATCH, BATCH, 150 - 2 * BATCH]
    results = [result for batch in batches for result in batch]
    assert [result.item for result in results] == list(range(150))
    assert all(result.correct == (result.item % 2 == 0) for result in results)
    one = results[3]
    assert (one.text, one.tokens, one.extracted) == ("#### 2", 7, "2")
    assert one.prompt_hash == Slice.prompt_hash(numbers.items[3])
    assert one.seconds > 0


def test_what_was_measured_is_not_asked_again_and_the_batches_stay_those_of_the_slice(numbers: Slice) -> None:
    engine, results = Scripted(), []
    judge(engine, [ToAsk(numbers, results.extend, {*range(BATCH), BATCH + 1})])
    assert [result.item for result in results] == [BATCH, *range(BATCH + 2, 150)]
    assert [prompts[0] for prompts in engine.asked] == [str(BATCH), str(2 * BATCH)]


def test_a_fully_measured_slice_asks_nothing(numbers: Slice) -> None:
    engine = Scripted()
    judge(engine, [ToAsk(numbers, pytest.fail, range(150))])
    assert engine.asked == []


def test_a_broken_engine_leaves_its_batch_unscored_and_keeps_the_earlier_ones(numbers: Slice) -> None:
    results: list[ItemResult] = []
    with pytest.raises(EngineError, match="out of memory"):
        judge(Scripted(breaks_at=1), [ToAsk(numbers, results.extend)])
    assert [result.item for result in results] == list(range(BATCH))


def test_a_batch_is_graded_and_delivered_while_the_next_is_answered(numbers: Slice) -> None:
    engine, threads = Awaited(), set()

    def deliver(results: list[ItemResult]) -> None:
        threads.add(threading.current_thread())
        first = results[0].item
        assert first == 2 * BATCH or engine.began[first // BATCH + 1].wait(120), "the engine is waiting"

    judge(engine, [ToAsk(numbers, deliver)])
    assert len(threads) == 1
    assert threading.current_thread() not in threads


class Awaited(Scripted):
    """Says when it begins to answer which batch."""

    def __init__(self) -> None:
        super().__init__()
        self.began = [threading.Event() for _ in range(3)]

    def generate(self, prompts: Sequence[str], stop: Sequence[str], max_tokens: int) -> list[Completion]:
        self.began[len(self.asked)].set()
        return super().generate(prompts, stop, max_tokens)


def test_slices_whose_answers_are_run_go_first_and_results_come_in_the_order_of_the_questions(
    numbers: Slice,
) -> None:
    programs = replace(numbers, name="programs", task="humaneval", grader="humaneval", items=PROGRAMS)
    engine, found = Scripted(), []
    slices = [
        replace(numbers, items=numbers.items[:70]),
        programs,
        replace(numbers, items=numbers.items[70:]),
    ]
    judge(engine, [ToAsk(part, lambda results: found.extend(r.item for r in results)) for part in slices])
    assert found == [900, 901, *range(70), *range(70, 150)]
    assert [len(prompts) for prompts in engine.asked] == [2, BATCH, 6, BATCH, 16]


PROGRAMS = tuple(
    Item(
        900 + n,
        str(n),
        {"prompt": "def f():\n    return 2 ", "test": "def check(f): pass", "entry_point": "f"},
    )
    for n in range(2)
)


def test_what_delivering_raises_comes_out_and_nothing_later_is_delivered(numbers: Slice) -> None:
    delivered: list[int] = []

    def full(results: list[ItemResult]) -> None:
        delivered.append(results[0].item)
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        judge(Scripted(), [ToAsk(numbers, full)])
    assert delivered == [0]


def test_what_was_answered_before_an_interruption_is_graded_and_delivered(numbers: Slice) -> None:
    class Stop(KeyboardInterrupt):
        """As a signal does."""

    calls, results = [], []

    def between() -> None:
        calls.append(threading.current_thread())
        if len(calls) == 3:
            raise Stop

    with pytest.raises(Stop):
        judge(Scripted(), [ToAsk(numbers, results.extend)], between=between)
    assert [result.item for result in results] == list(range(2 * BATCH))
    assert set(calls) == {threading.current_thread()}


def test_an_engine_that_breaks_tells_besides_that_earlier_answers_were_lost(numbers: Slice) -> None:
    engine, breaking = Scripted(), threading.Event()

    def full(results: list[ItemResult]) -> None:
        assert breaking.wait(120)
        raise OSError("no space left on device")

    def between() -> None:
        if engine.asked:
            breaking.set()
            raise EngineError("out of memory")

    with pytest.raises(EngineError, match="out of memory") as caught:
        judge(engine, [ToAsk(numbers, full)], between=between)
    assert "no space left" in caught.value.__notes__[0]


def test_the_seconds_of_the_engine_are_told_apart(numbers: Slice) -> None:
    answered: list[float] = []
    results: list[ItemResult] = []
    judge(Scripted(), [ToAsk(numbers, results.extend)], answered=answered.append)
    assert len(answered) == 3
    assert 0 < sum(answered) < sum(result.seconds for result in results), "which have that of grading, too"


def test_the_same_weights_give_the_same_results(pico: Path, numbers: Slice) -> None:
    slice_ = replace(numbers, items=numbers.items[:20], stop=("q",))
    runs: list[list[ItemResult]] = [[], []]
    for results in runs:
        engine = TransformersEngine(pico)
        engine.load(load_file(pico / "model.safetensors").items())
        judge(engine, [ToAsk(slice_, results.extend)])
    first, second = ([replace(result, seconds=0.0) for result in results] for results in runs)
    assert first == second
    assert len({result.text for result in first}) > 1


CHOICES = (
    Item(4, "Who?", {}, choices=(" nobody", " I", " you all"), right=1, gold=" I"),
    Item(7, "What?", {}, choices=(" a", " nothing"), right=1, gold=" nothing"),
)


def choices(grader: str, **changes: object) -> Slice:
    return replace(Slice("quiz", "arc", "search", CHOICES, (), 8, grader, "choices"), **changes)


def test_the_likeliest_choice_is_the_answer_and_the_right_ones_likelihood_is_kept() -> None:
    engine, results = Scripted(), []
    judge(engine, [ToAsk(choices("acc"), results.extend)])
    assert engine.asked == [["Who? nobody", "Who? I", "Who? you all", "What? a", "What? nothing"]]
    first, second = results
    assert (first.item, first.correct, first.text, first.tokens, first.logprob) == (4, True, " I", 2, -2.0)
    assert (second.item, second.correct, second.text, second.tokens, second.logprob) == (
        7,
        False,
        " a",
        2,
        -8.0,
    )
    assert first.prompt_hash == Slice.prompt_hash(CHOICES[0])
    assert (first.extracted, second.extracted) == (None, None)


def test_the_grader_says_what_makes_a_choice_likely() -> None:
    results: list[ItemResult] = []
    # Per character without the space: 7/6, 2, 8/7.
    judge(Scripted(), [ToAsk(choices("acc_norm"), results.extend)])
    assert [result.text for result in results] == [" you all", " nothing"]
    assert [result.correct for result in results] == [False, True]
    assert [result.logprob for result in results] == [-2.0, -8.0]


def test_a_slice_scored_by_gold_answers_asks_for_nothing_but_their_likelihood() -> None:
    engine, results = Scripted(), []
    judge(engine, [ToAsk(choices("acc", scoring="gold"), results.extend, {4})])
    judge(engine, [ToAsk(choices("acc", scoring="gold"), results.extend, {7})])
    assert engine.asked == [["What? nothing"], ["Who? I"]]
    seen = [(each.item, each.correct, each.text, each.tokens, each.logprob) for each in results]
    assert seen == [(7, False, "", 8, -8.0), (4, True, "", 2, -2.0)]


def test_a_real_engine_chooses_as_lm_eval_would(pico: Path) -> None:
    engine = TransformersEngine(pico)
    engine.load(load_file(pico / "model.safetensors").items())
    results: list[ItemResult] = []
    judge(engine, [ToAsk(choices("acc"), results.extend)])
    for item, result in zip(CHOICES, results, strict=True):
        alone = [engine.loglikelihood([(item.prompt, choice)])[0].logprob for choice in item.choices]
        assert result.text == item.choices[alone.index(max(alone))]
        assert result.logprob == pytest.approx(alone[item.right or 0], abs=1e-4)
