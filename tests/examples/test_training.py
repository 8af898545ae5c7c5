"""Training an adapter of the real model's example, here on the tiny base."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from merging.family.adapters import open_adapter, updates
from merging.models.checkpoint import open_checkpoint

pytest.importorskip("peft", reason="`peft` is not installed; pip install -e '.[real-train]'")
TINY = Path(__file__).parents[2] / "examples" / "tiny" / "base"


@pytest.fixture(scope="module")
def train(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("train")


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(TINY)


def adapter(train: ModuleType, tokenizer: Any, examples: list[Any], steps: int) -> Any:
    """The tiny base with an adapter that saw the same batch so many times."""
    torch.manual_seed(0)
    return train.train(
        train.build(TINY), tokenizer, repeat(examples), train.Schedule(steps, warmup=1), "code"
    )


def test_the_learning_rate_rises_and_falls_to_a_tenth(train: ModuleType) -> None:
    schedule = train.Schedule(steps=110, warmup=10, rate=1e-3)
    assert schedule.rate_at(0) == pytest.approx(1e-4)
    assert schedule.rate_at(10) == pytest.approx(1e-3)
    assert schedule.rate_at(60) == pytest.approx(0.55e-3)
    assert schedule.rate_at(110) == pytest.approx(1e-4)


def test_only_answers_and_end_tokens_are_labelled(train: ModuleType, tokenizer: Any) -> None:
    examples = next(train.batches("math", 3, 0))
    tokens, labels = train.encode(tokenizer, examples)
    assert tokens.shape == labels.shape
    for example, row, said in zip(examples, tokens, labels, strict=True):
        kept = said != train.NO_LOSS
        assert row[kept].tolist() == [*tokenizer(example.completion).input_ids, tokenizer.eos_token_id]
        assert kept.nonzero()[0].item() == len(tokenizer(example.prompt).input_ids)


def test_the_loss_is_that_of_transformers_over_the_same_labels(train: ModuleType, tokenizer: Any) -> None:
    model = train.build(TINY)
    tokens, labels = train.encode(tokenizer, next(train.batches("code", 4, 0)))
    with torch.no_grad():
        ours, theirs = train.loss_of(model, tokens, labels), model(input_ids=tokens, labels=labels).loss
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)


def test_training_lowers_the_loss_and_what_is_stored_is_an_expert(
    train: ModuleType, tokenizer: Any, tmp_path: Path
) -> None:
    examples = next(train.batches("math", 4, 0))
    batch = train.encode(tokenizer, examples)
    before = train.loss_of(train.build(TINY), *batch).item()
    model = adapter(train, tokenizer, examples, steps=20)
    assert train.loss_of(model, *batch).item() < before / 2
    train.save(model, tmp_path / "code")
    assert {file.name for file in (tmp_path / "code").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
    }
    assert (
        json.loads((tmp_path / "code" / "adapter_config.json").read_text())["base_model_name_or_path"] is None
    )
    assert len(updates(open_adapter(tmp_path / "code"), open_checkpoint(TINY))) == 4 * 7


def test_a_seed_trains_the_same_adapter_again(train: ModuleType, tokenizer: Any) -> None:
    examples = next(train.batches("code", 4, 0))
    once, again = (adapter(train, tokenizer, examples, steps=3).state_dict() for _ in range(2))
    assert all(torch.equal(once[name], again[name]) for name in once)
    assert not any(math.isnan(weight.sum().item()) for weight in once.values())
