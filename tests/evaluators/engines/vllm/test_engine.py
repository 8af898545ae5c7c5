"""vLLM's engine, on the CPU: the same code and the same checks as on a GPU."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from evaluators.engines.engine import Engine
from evaluators.errors import EngineError
from tests.evaluators.engines.contract import (
    PROMPTS,
    TINY,
    EngineContract,
    Tensors,
    Weights,
    assert_alike,
    texts,
)

pytestmark = pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed")


class TestContract(EngineContract):
    @staticmethod
    def build() -> Engine:
        from evaluators.engines.vllm.engine import VllmEngine

        return VllmEngine(TINY / "base")


def folder_with(tmp_path: Path, **generation: object) -> Path:
    shutil.copytree(TINY / "base", tmp_path / "model")
    file = tmp_path / "model" / "generation_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **generation}))
    return tmp_path / "model"


def test_what_vllm_cannot_do_as_the_checkpoint_says_is_refused_before_it_starts(tmp_path: Path) -> None:
    from evaluators.engines.vllm.engine import VllmEngine

    with pytest.raises(
        EngineError, match=r"generation_config\.json: vLLM has no no_repeat_ngram_size; remove it"
    ):
        VllmEngine(folder_with(tmp_path, no_repeat_ngram_size=3))


def test_a_repetition_penalty_counts_as_in_transformers(tmp_path: Path) -> None:
    from evaluators.engines.transformers import TransformersEngine
    from evaluators.engines.vllm.engine import VllmEngine

    folder = folder_with(tmp_path, repetition_penalty=1.7, do_sample=True, temperature=3.0)
    with closing(VllmEngine(folder)) as ours:
        theirs = TransformersEngine(folder)
        for engine in (ours, theirs):
            engine.load(Weights())
        assert texts(ours, PROMPTS, ["\n"], 24) == texts(theirs, PROMPTS, ["\n"], 24)
        plain = TransformersEngine(TINY / "base")
        plain.load(Weights())
        assert texts(ours, PROMPTS, ["\n"], 24) != texts(plain, PROMPTS, ["\n"], 24)


def test_an_untied_model_swaps_too_and_both_engines_score_it_alike(tmp_path: Path) -> None:
    from evaluators.engines.transformers import TransformersEngine
    from evaluators.engines.vllm.engine import VllmEngine

    folder = tmp_path / "untied"
    shutil.copytree(TINY / "base", folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": False}))
    pairs = [(prompt.rstrip(), " 5") for prompt in PROMPTS]
    with closing(VllmEngine(folder)) as ours:
        theirs = TransformersEngine(folder)
        for source in (Untied(), Untied("code")):
            for engine in (ours, theirs):
                engine.load(source)
            assert texts(ours, PROMPTS, (), 16) == texts(theirs, PROMPTS, (), 16)
            assert_alike(ours.loglikelihood(pairs), theirs.loglikelihood(pairs))


@dataclass(frozen=True)
class Untied(Weights):
    """The model with a head of its own, which is the embedding upside down."""

    def tensors(self) -> Tensors:
        parts = super().tensors()
        return {**parts, "lm_head.weight": parts["model.embed_tokens.weight"].flip(0).contiguous()}


def test_a_model_of_other_layers_is_refused_before_anything_is_started() -> None:
    from evaluators.engines.vllm.engine import VllmEngine

    class Deeper(Weights):
        @property
        def stacked_as(self) -> dict[str, int]:
            return {"num_hidden_layers": 5}

    with closing(VllmEngine(TINY / "base")) as engine:
        with pytest.raises(EngineError, match="vLLM keeps the layers that it started with"):
            engine.load(Deeper())
        assert engine.pid is None
