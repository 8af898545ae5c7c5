from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from evaluators.benchmarks.slices import Item, Slice
from evaluators.engines.engine import Completion, Likelihood, WeightSource
from evaluators.engines.transformers import TransformersEngine
from evaluators.errors import EngineError
from evaluators.judge import BATCH, judge
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
    judge(Scripted(), numbers, (), batches.append)
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
    judge(engine, numbers, {*range(BATCH), BATCH + 1}, results.extend)
    assert [result.item for result in results] == [BATCH, *range(BATCH + 2, 150)]
    assert [prompts[0] for prompts in engine.asked] == [str(BATCH), str(2 * BATCH)]


def test_a_fully_measured_slice_asks_nothing(numbers: Slice) -> None:
    engine = Scripted()
    judge(engine, numbers, range(150), pytest.fail)
    assert engine.asked == []


def test_a_broken_engine_leaves_its_batch_unscored_and_keeps_the_earlier_ones(numbers: Slice) -> None:
    results: list[ItemResult] = []
    with pytest.raises(EngineError, match="out of memory"):
        judge(Scripted(breaks_at=1), numbers, (), results.extend)
    assert [result.item for result in results] == list(range(BATCH))


def test_the_same_weights_give_the_same_results(pico: Path, numbers: Slice) -> None:
    slice_ = replace(numbers, items=numbers.items[:20], stop=("q",))
    runs: list[list[ItemResult]] = [[], []]
    for results in runs:
        engine = TransformersEngine(pico)
        engine.load(load_file(pico / "model.safetensors").items())
        judge(engine, slice_, (), results.extend)
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
    judge(engine, choices("acc"), (), results.extend)
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
    judge(Scripted(), choices("acc_norm"), (), results.extend)  # per character without the space: 7/6, 2, 8/7
    assert [result.text for result in results] == [" you all", " nothing"]
    assert [result.correct for result in results] == [False, True]
    assert [result.logprob for result in results] == [-2.0, -8.0]


def test_a_slice_scored_by_gold_answers_asks_for_nothing_but_their_likelihood() -> None:
    engine, results = Scripted(), []
    judge(engine, choices("acc", scoring="gold"), {4}, results.extend)
    judge(engine, choices("acc", scoring="gold"), {7}, results.extend)
    assert engine.asked == [["What? nothing"], ["Who? I"]]
    seen = [(each.item, each.correct, each.text, each.tokens, each.logprob) for each in results]
    assert seen == [(7, False, "", 8, -8.0), (4, True, "", 2, -2.0)]


def test_a_real_engine_chooses_as_lm_eval_would(pico: Path) -> None:
    engine = TransformersEngine(pico)
    engine.load(load_file(pico / "model.safetensors").items())
    results: list[ItemResult] = []
    judge(engine, choices("acc"), (), results.extend)
    for item, result in zip(CHOICES, results, strict=True):
        alone = [engine.loglikelihood([(item.prompt, choice)])[0].logprob for choice in item.choices]
        assert result.text == item.choices[alone.index(max(alone))]
        assert result.logprob == pytest.approx(alone[item.right or 0], abs=1e-4)
