"""What vLLM says at every token of a response is what transformers says, as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec

import numpy as np
import pytest

from evaluators.errors import EngineError
from merging.fusion.distributions.data import Top
from merging.fusion.distributions.teacher import Request, TransformersTeacher, top_of
from tests.evaluators.engines.contract import TINY, Weights

pytestmark = pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed")

K = 10


def requests() -> list[Request]:
    random = np.random.default_rng(0)
    sizes = [(1, 1), (5, 40), (40, 5), (1, 300), (200, 312)]
    draws = [(random.integers(3, 99, p), random.integers(3, 99, n)) for p, n in sizes]
    return [(prompt.astype(np.int32), response.astype(np.int32)) for prompt, response in draws]


@pytest.fixture(scope="module")
def engine() -> Iterator[object]:
    from evaluators.engines.vllm.engine import VllmEngine

    with closing(VllmEngine(TINY / "base")) as engine:
        with pytest.raises(EngineError, match="no weights are loaded"):
            engine.likeliest(requests(), K)
        engine.load(Weights())
        yield engine


def asked(engine: object, k: int) -> list[Top]:
    said = engine.likeliest(requests(), k)  # type: ignore[attr-defined]
    return [top_of(each.ids, each.logprobs, each.own) for each in said]


def test_it_agrees_with_transformers(engine: object) -> None:
    theirs = TransformersTeacher(TINY / "base")(requests(), K)
    for vllm, transformers, (_, response) in zip(asked(engine, K), theirs, requests(), strict=True):
        assert vllm.ids.shape == (len(response), K)
        assert np.abs(vllm.logprobs - transformers.logprobs).max() < 1e-3
        assert np.abs(vllm.gold - transformers.gold).max() < 1e-3
        assert np.abs(np.exp(vllm.tail) - np.exp(transformers.tail)).max() < 1e-4
        same = vllm.ids == transformers.ids
        assert same.mean() > 0.99  # two that are nearly alike may change places
        assert np.abs(vllm.logprobs - transformers.logprobs)[~same].max(initial=0.0) < 1e-3


def test_it_ranks_as_many_as_there_are(engine: object) -> None:
    (first, *_) = asked(engine, 128)
    assert sorted(first.ids[0].tolist()) == list(range(99))
    assert np.exp(first.logprobs).sum() == pytest.approx(1.0, abs=1e-5)


def test_it_belongs_to_the_weights_that_were_loaded_last(engine: object) -> None:
    engine.load(Weights("math"))  # type: ignore[attr-defined]
    theirs = TransformersTeacher(TINY / "math")(requests(), K)
    assert all(np.abs(a.gold - b.gold).max() < 1e-3 for a, b in zip(asked(engine, K), theirs, strict=True))
    engine.load(Weights())  # type: ignore[attr-defined]


def test_what_it_cannot_rank_it_refuses(engine: object) -> None:
    ask = engine.likeliest  # type: ignore[attr-defined]
    assert ask([], K) == []
    for k in (0, 129):
        with pytest.raises(EngineError, match=f"vLLM ranks 1 to 128 tokens at a place, not {k}"):
            ask(requests(), k)
    with pytest.raises(EngineError, match="a request has 513 tokens, the model's context is 512"):
        ask([([1], [5] * 512)], K)
