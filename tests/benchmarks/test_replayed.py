"""Answers in passes of fixed shapes: the engine's own, on whatever device, with nothing left on another."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import AutoConfig

from benchmarks.landscape.ground import Ground
from benchmarks.landscape.llama import TinyLlama
from benchmarks.landscape.named import ROOT
from benchmarks.landscape.replayed.echoes import Echo
from benchmarks.landscape.replayed.passes import Prompts, Shape, Steps, Weights
from benchmarks.landscape.replayed.replay import sizes
from tests.benchmarks.test_landscape import _drawn, _study


def test_answers_are_those_of_the_plain_way(tmp_path: Path) -> None:
    plain, fixed = Ground.of(_study(tmp_path)), Ground.of(_study(tmp_path), device="cpu:0")
    for seed in (1, 2):
        recipe = _drawn(plain, seed)
        questions = plain.questions["search"]
        assert fixed.answers(recipe, fixed.questions["search"]) == plain.answers(recipe, questions)
        assert fixed.right(recipe, "search") == plain.right(recipe, "search")
    assert fixed.right(recipe, "holdout") == plain.right(recipe, "holdout")


def test_all_items_are_answered_whichever_are_asked(tmp_path: Path) -> None:
    ground = Ground.of(_study(tmp_path), tmp_path / "memory", "cpu:0")
    recipe = _drawn(ground, 4)
    assert [*ground.right(recipe, "search", [5, 3])] == [5, 3]
    assert ground.asked == len(ground.questions["search"])
    again = Ground.of(_study(tmp_path), tmp_path / "memory")
    assert again.right(recipe, "search") == ground.right(recipe, "search")
    assert again.asked == 0


def test_nothing_of_a_pass_is_on_another_device() -> None:
    """A device without numbers, which refuses the processor's tensors as a GPU does."""
    config = AutoConfig.from_pretrained(ROOT / "examples/tiny/base")
    device = "cuda" if torch.version.cuda else "meta"
    with FakeTensorMode() if torch.version.cuda else nullcontext():
        model = _model(config)
        weights = Weights(Shape.of(model), torch.complex(model.cos, model.sin), device)
        weights.load(model)
        keys = torch.zeros(4, 2, 3, 4, 64, 32, device=device)
        fewer = torch.zeros(4, 2, 2, 4, 64, 32, device=device)
        with pytest.raises(RuntimeError, match="device"):
            weights.embedding + torch.zeros(99, 128)
        Prompts(weights, [[1, 2, 3], [1, 2, 4], [5]], keys, device)()
        steps = Steps(weights, 3, 8, keys, device)
        steps.given.copy_(torch.zeros(3, 9, dtype=torch.long))
        said = steps()
        assert (said.device.type, tuple(said.shape)) == (device, (3, 8))
        torch.index_select(keys, 2, torch.tensor([0, 2], device=device), out=fewer)


def _model(config) -> TinyLlama:  # type: ignore[no-untyped-def]
    d, inner = config.hidden_size, config.intermediate_size
    named = {"model.embed_tokens.weight": (config.vocab_size, d), "model.norm.weight": (d,)}
    for i in range(config.num_hidden_layers):
        at = f"model.layers.{i}."
        named |= {f"{at}self_attn.{name}_proj.weight": (d, d) for name in "qkvo"}
        named |= {f"{at}mlp.{name}_proj.weight": (inner, d) for name in ("gate", "up")}
        named |= {f"{at}mlp.down_proj.weight": (d, inner)}
        named |= {f"{at}{name}_layernorm.weight": (d,) for name in ("input", "post_attention")}
    return TinyLlama.of(((name, torch.zeros(shape)) for name, shape in named.items()), config)


def test_the_answer_heard_most_often_is_guessed() -> None:
    echo = Echo("abc xyz?")
    for text in ("yes", "no", "yes", "nothing"):
        echo.hear(text)
    assert (echo.guess("", 9), echo.guess("n", 9), echo.guess("not", 2)) == ("yes", "o", "hi")


def test_what_was_never_heard_is_copied_from_where_the_same_stood() -> None:
    echo = Echo("Tom has 12 apples. ")
    assert echo.guess("So Tom", 7) == " has 12"
    assert echo.guess("la la la la", 6) == " la la"
    assert echo.guess("quite new", 5) == ""


def test_passes_are_made_for_whole_sets_and_for_ever_fewer_rows() -> None:
    assert sizes([192, 900]) == [14, 28, 56, 112, 192, 225, 450, 900]
    assert sizes([3, 5]) == [3, 5]
