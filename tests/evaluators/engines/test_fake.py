"""The fake engine keeps what engines promise, and says what it is told to."""

from __future__ import annotations

import math

import pytest

from evaluators.engines.fake import ALPHABET, FakeEngine
from evaluators.errors import EngineError
from tests.evaluators.engines.contract import EngineContract, Incomplete, Weights, texts


class TestContract(EngineContract):
    @staticmethod
    def build() -> FakeEngine:
        return FakeEngine(context=512)


def loaded(**options: object) -> FakeEngine:
    engine = FakeEngine(**options)
    engine.load(Weights())
    return engine


def test_given_answers_are_given_whatever_the_weights_are() -> None:
    engine = loaded(answers={"2 + 3 =": " 5\n\nand on"})
    for model in ("base", "math"):
        engine.load(Weights(model))
        (whole, cut, short, other) = (
            engine.generate(["2 + 3 ="], [], 99)[0],
            engine.generate(["2 + 3 ="], ["\n\n"], 99)[0],
            engine.generate(["2 + 3 ="], [], 2)[0],
            engine.generate(["2 + 4 ="], [], 9)[0],
        )
        assert (whole.text, whole.tokens) == (" 5\n\nand on", 11)
        assert (cut.text, short.text) == (" 5", " 5")
        assert set(other.text) <= set(ALPHABET)
        right, wrong = engine.loglikelihood([("2 + 3 =", " 5"), ("2 + 3 =", " 6")])
        assert (right.greedy, wrong.greedy) == (True, False)
        assert right.logprob > wrong.logprob


def test_its_description_says_fake_and_tells_given_answers_apart() -> None:
    names = [FakeEngine(answers).description for answers in ({}, {"a": "b"}, {"a": "c"})]
    assert names[0] == "fake"
    assert all(name.startswith("fake/") for name in names[1:])
    assert len(set(names)) == 3


def test_every_process_gives_the_same_answers() -> None:
    assert texts(loaded(), ["Question"], (), 16) == ["iho88o"]


def test_the_order_of_the_tensors_does_not_matter() -> None:
    engine, prompts = loaded(), ["a", "b", "c"]
    before = texts(engine, prompts)
    engine.load(reversed(Weights().tensors().items()))
    assert texts(engine, prompts) == before


def test_probabilities_over_all_characters_add_up_to_one_at_most() -> None:
    engine = loaded()
    alone = engine.loglikelihood([("Question", character) for character in map(chr, range(32, 0x3000))])
    total = sum(math.exp(each.logprob) for each in alone)
    assert 0.25 <= total <= 1


def test_the_first_weights_decide_the_architecture() -> None:
    engine = FakeEngine()
    engine.load(Incomplete())
    with pytest.raises(EngineError, match=r"no tensor 'model\.layers\.1\.mlp\.up_proj\.weight'"):
        engine.load(Weights())
