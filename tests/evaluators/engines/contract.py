"""What every Engine promises: a suite that each engine's own tests inherit.

A subclass says how to `build` one over the architecture and the tokenizer of `examples/tiny`, nothing loaded.
Engines are slow to start, so all tests share one, in any order; it is closed, and that checked, at the end.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from evaluators.engines.engine import Completion, Engine, Likelihood
from evaluators.errors import DiskFull, EngineError, OutOfMemory

TINY = Path(__file__).parents[3] / "examples" / "tiny"
SOME_TENSOR = "model.layers.1.mlp.up_proj.weight"
PROMPTS = [
    "Question: Ann has 2 apples and gets 3. How many?\nAnswer:",
    "a",
    "def add(a, b):\n",
    "Problem:\n2 + 3\n\nSolution:",
    "0 1 2 3 4",
]
Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Weights:
    """A WeightSource: one of the tiny models as it is. All sources here are picklable."""

    model: str = "base"

    def tensors(self) -> Tensors:
        return load_file(TINY / self.model / "model.safetensors")

    def __iter__(self) -> Iterator[tuple[str, torch.Tensor]]:
        yield from self.tensors().items()


@dataclass(frozen=True)
class Incomplete(Weights):
    def tensors(self) -> Tensors:
        return {name: tensor for name, tensor in super().tensors().items() if name != SOME_TENSOR}


@dataclass(frozen=True)
class Unknown(Weights):
    def tensors(self) -> Tensors:
        return {**super().tensors(), "model.layers.9.mlp.up_proj.weight": torch.ones(3)}


@dataclass(frozen=True)
class Misshapen(Weights):
    def tensors(self) -> Tensors:
        return {**super().tensors(), SOME_TENSOR: torch.ones(3, 2)}


@dataclass(frozen=True)
class NotFinite(Weights):
    value: float = math.nan

    def tensors(self) -> Tensors:
        parts = super().tensors()
        parts[SOME_TENSOR][0, 0] = self.value
        return parts


@dataclass(frozen=True)
class Breaking(Weights):
    """Gives half of the tensors, then fails as a merge may."""

    def __iter__(self) -> Iterator[tuple[str, torch.Tensor]]:
        parts = list(self.tensors().items())
        yield from parts[: len(parts) // 2]
        raise OverflowError("the merge left float16's range")


@dataclass(frozen=True)
class Full(Weights):
    """Gives half of the tensors, then has no room for statistics."""

    def __iter__(self) -> Iterator[tuple[str, torch.Tensor]]:
        parts = list(self.tensors().items())
        yield from parts[: len(parts) // 2]
        Path("/dev/full").write_text("statistics")


@dataclass(frozen=True)
class TooLarge(Weights):
    """Gives half of the tensors, then wants more memory than there is."""

    def __iter__(self) -> Iterator[tuple[str, torch.Tensor]]:
        parts = list(self.tensors().items())
        yield from parts[: len(parts) // 2]
        yield SOME_TENSOR, torch.empty(2**60, dtype=torch.uint8)


def texts(
    engine: Engine, prompts: Sequence[str], stop: Sequence[str] = (), max_tokens: int = 12
) -> list[str]:
    return [completion.text for completion in engine.generate(prompts, stop, max_tokens)]


def refuses_to_answer(engine: Engine) -> bool:
    for ask in (lambda: engine.generate(["a"], [], 4), lambda: engine.loglikelihood([("a", "b")])):
        with pytest.raises(EngineError):
            ask()
    return True


class EngineContract:
    """Inherit it as `class TestContract(EngineContract)`, and write `build`."""

    @staticmethod
    def build() -> Engine:
        """A new engine over `TINY / "base"`, in float32 where it computes; called once."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def started(cls) -> Iterator[Engine]:
        """The engine, which refused before anything was loaded, and refuses after it was closed."""
        engine = cls.build()
        assert refuses_to_answer(engine)
        yield engine
        engine.close()
        assert refuses_to_answer(engine)
        with pytest.raises(EngineError, match="closed"):
            engine.load(Weights())
        engine.close()

    @pytest.fixture
    def loaded(self, started: Engine) -> Engine:
        """The engine with the base model's weights."""
        started.load(Weights())
        return started

    def test_its_description_is_one_word_and_stays_the_same(self, started: Engine) -> None:
        before = started.description
        assert before
        assert not before[-1:].isspace()
        assert len(before.split()) == 1
        started.load(Weights("math"))
        assert started.description == before

    def test_it_knows_its_context(self, started: Engine) -> None:
        assert started.context == 512

    def test_answers_belong_to_the_weights_that_were_loaded_last(self, loaded: Engine) -> None:
        pairs = [(prompt, " 5") for prompt in PROMPTS]
        base = texts(loaded, PROMPTS), loaded.loglikelihood(pairs)
        loaded.load(Weights("gsm8k"))
        other = texts(loaded, PROMPTS), loaded.loglikelihood(pairs)
        assert other[0] != base[0]
        assert all(a.logprob != b.logprob for a, b in zip(base[1], other[1], strict=True))
        loaded.load(Weights())
        assert (texts(loaded, PROMPTS), loaded.loglikelihood(pairs)) == base

    @pytest.mark.parametrize(
        "source", [Incomplete(), Unknown(), Misshapen(), NotFinite(), NotFinite(value=math.inf)]
    )
    def test_weights_that_cannot_be_right_are_refused_and_none_are_left(
        self, loaded: Engine, source: Weights
    ) -> None:
        with pytest.raises(EngineError, match=r"up_proj"):
            loaded.load(source)
        assert refuses_to_answer(loaded)

    def test_a_source_that_fails_half_way_says_why_and_leaves_no_weights(self, loaded: Engine) -> None:
        with pytest.raises((EngineError, OverflowError), match="the merge left float16's range"):
            loaded.load(Breaking())
        assert refuses_to_answer(loaded)
        loaded.load(Weights())
        assert len(texts(loaded, PROMPTS)) == len(PROMPTS)

    def test_a_source_that_does_not_fit_into_memory_is_told_apart_and_the_next_one_answers(
        self, loaded: Engine
    ) -> None:
        before = texts(loaded, PROMPTS)
        with pytest.raises(OutOfMemory, match=r"the merge could not be loaded: .*allocate"):
            loaded.load(TooLarge())
        assert refuses_to_answer(loaded)
        loaded.load(Weights())
        assert texts(loaded, PROMPTS) == before

    def test_a_source_that_finds_the_disk_full_is_told_apart(self, loaded: Engine) -> None:
        with pytest.raises(DiskFull, match=r"the merge could not be loaded: .*No space left on device"):
            loaded.load(Full())
        assert refuses_to_answer(loaded)

    def test_weights_that_are_not_finite_are_told_apart(self, loaded: Engine) -> None:
        with pytest.raises(EngineError) as caught:
            loaded.load(NotFinite())
        assert caught.value.kind == "not finite"

    def test_nothing_asked_is_nothing_answered(self, loaded: Engine) -> None:
        assert loaded.generate([], ["\n"], 4) == []
        assert loaded.loglikelihood([]) == []

    def test_answers_come_in_the_order_of_the_prompts_whatever_stands_beside_them(
        self, loaded: Engine
    ) -> None:
        together = loaded.generate(PROMPTS, ["\n"], 12)
        assert loaded.generate(PROMPTS[::-1], ["\n"], 12) == together[::-1]
        assert loaded.generate([*PROMPTS, PROMPTS[0]], ["\n"], 12) == [*together, together[0]]
        assert [loaded.generate([prompt], ["\n"], 12)[0] for prompt in PROMPTS] == together

    def test_an_answer_has_at_most_as_many_tokens_as_asked_for(self, loaded: Engine) -> None:
        for limit in (1, 5):
            assert all(1 <= answer.tokens <= limit for answer in loaded.generate(PROMPTS, [], limit))
        short, long = texts(loaded, PROMPTS, (), 5), texts(loaded, PROMPTS, (), 12)
        assert all(b.startswith(a) for a, b in zip(short, long, strict=True))
        assert short != long

    def test_an_answer_ends_before_a_stop_string_which_is_no_part_of_it(self, loaded: Engine) -> None:
        whole = loaded.generate(PROMPTS, [], 24)
        stop = [next(answer.text[3:5] for answer in whole if len(answer.text) > 5), "\n"]
        found = loaded.generate(PROMPTS, stop, 24)
        assert [answer.text for answer in found] == [_before(stop, answer) for answer in whole]
        assert [answer.text for answer in found] != [answer.text for answer in whole]
        assert all(cut.tokens <= full.tokens for cut, full in zip(found, whole, strict=True))

    def test_a_prompt_beyond_the_context_loses_its_beginning_and_the_log_says_so_once(
        self, loaded: Engine, caplog: pytest.LogCaptureFixture
    ) -> None:
        long = "0123456789 " * 60
        room = loaded.context - 8
        with caplog.at_level(logging.WARNING, "evaluators"):
            found = texts(loaded, [long, "a"], (), 8)
            texts(loaded, [long], (), 8)
        assert found == texts(loaded, [long[-room:], "a"], (), 8)  # one character is one token here
        said = [record.getMessage() for record in caplog.records if record.name.startswith("evaluators")]
        assert said == [f"1 of 2 prompts have over {room} tokens and are cut"]

    def test_an_answer_as_long_as_the_context_is_refused(self, loaded: Engine) -> None:
        with pytest.raises(EngineError, match="context is 512 tokens; lower max_tokens"):
            loaded.generate(["a"], [], 512)

    def test_a_likelihood_counts_the_continuations_tokens_and_is_at_most_one(self, loaded: Engine) -> None:
        prompts = [prompt.rstrip() for prompt in PROMPTS]
        pairs = [(prompt, continuation) for prompt in prompts for continuation in (" 5", " 12", "#### 7\n")]
        found = loaded.loglikelihood(pairs)
        assert [each.tokens for each in found] == [len(continuation) for _, continuation in pairs]
        assert all(math.isfinite(each.logprob) and each.logprob <= 0 for each in found)

    def test_likelihoods_come_in_the_order_of_the_pairs_whatever_stands_beside_them(
        self, loaded: Engine
    ) -> None:
        pairs = [(prompt, continuation) for prompt in PROMPTS for continuation in (" 5", " 6", " twelve")]
        together = loaded.loglikelihood(pairs)
        assert_alike(loaded.loglikelihood(pairs[::-1]), together[::-1])
        assert_alike(loaded.loglikelihood([pairs[0], pairs[0]]), [together[0], together[0]])
        assert_alike([loaded.loglikelihood([pair])[0] for pair in pairs], together)

    def test_what_an_engine_would_say_is_its_first_choice_and_likelier_than_anything_else(
        self, loaded: Engine
    ) -> None:
        prompts = [prompt.rstrip() for prompt in PROMPTS]
        spoken = [(p, text) for p, text in zip(prompts, texts(loaded, prompts, (), 6), strict=True) if text]
        assert len(spoken) > 2
        first = [(prompt, text[0]) for prompt, text in spoken]
        other = [(prompt, "Z" if text[0] != "Z" else "Y") for prompt, text in spoken]
        for own, loud, quiet in zip(*map(loaded.loglikelihood, (spoken, first, other)), strict=True):
            assert own.greedy
            assert loud.greedy
            assert not quiet.greedy
            assert own.logprob <= loud.logprob
            assert quiet.logprob < loud.logprob

    def test_a_likelihood_is_the_product_of_its_tokens(self, loaded: Engine) -> None:
        whole, first, second = loaded.loglikelihood(
            [("Answer:", " 42"), ("Answer:", " 4"), ("Answer: 4", "2")]
        )
        assert whole.logprob == pytest.approx(first.logprob + second.logprob, abs=1e-4)

    def test_spaces_that_end_a_context_belong_to_the_continuation(self, loaded: Engine) -> None:
        moved, written = loaded.loglikelihood([("Answer: ", "42"), ("Answer:", " 42")])
        assert_alike([moved], [written])
        assert moved.tokens == 3

    def test_without_a_context_a_continuation_follows_the_models_own_start(self, loaded: Engine) -> None:
        (found,) = loaded.loglikelihood([("", "Question")])
        assert found.tokens == len("Question")
        assert math.isfinite(found.logprob)

    def test_a_continuation_without_a_token_is_refused(self, loaded: Engine) -> None:
        with pytest.raises(EngineError, match="no token of its own"):
            loaded.loglikelihood([("Answer:", " 4"), ("Answer:", "")])

    def test_a_pair_beyond_the_context_loses_its_beginning(self, loaded: Engine) -> None:
        long = "0123456789," * 60
        # The end of the context decides: an engine may need a token or two of it for itself.
        for pair in loaded.loglikelihood([(long, " 5"), (long[-500:], " 5")]):
            assert pair.tokens == 2
            assert math.isfinite(pair.logprob)
        with pytest.raises(EngineError, match="does not fit"):
            loaded.loglikelihood([("a", long)])


def assert_alike(found: Sequence[Likelihood], expected: Sequence[Likelihood]) -> None:
    """Equal up to float32's rounding, which a batch's shape changes."""
    assert [(each.tokens, each.greedy) for each in found] == [(each.tokens, each.greedy) for each in expected]
    assert [each.logprob for each in found] == pytest.approx([each.logprob for each in expected], abs=1e-4)


def _before(stop: Sequence[str], answer: Completion) -> str:
    text = answer.text
    for string in stop:
        text = text.split(string)[0]
    return text
