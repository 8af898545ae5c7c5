"""A model's answer, computed while its weights stream by, is the answer of the whole model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from evaluators.engines.architecture import open_config
from evaluators.engines.vllm.canary import TOLERANCE, Forward, Shell, canary_ids
from evaluators.engines.vllm.checksums import differing, sum_of

IDS = canary_ids(99, 40)


def whole(folder: Path) -> torch.Tensor:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        return model(torch.tensor([IDS])).logits[0, -1].log_softmax(-1)


def streamed(shell: Shell, tensors: dict[str, torch.Tensor]) -> Forward:
    forward = Forward(shell, IDS)
    for name, tensor in tensors.items():
        forward.see(name, tensor)
    forward.end()
    return forward


@pytest.fixture(params=["tied", "untied"])
def folder(request: pytest.FixtureRequest, pico: Path, untied: Path) -> Path:
    return pico if request.param == "tied" else untied


@pytest.mark.parametrize("order", ["as saved", "backwards"])
def test_it_is_the_whole_models_answer_in_whatever_order_tensors_come(folder: Path, order: str) -> None:
    tensors = load_file(folder / "model.safetensors")
    if order == "backwards":
        tensors = dict(reversed(tensors.items()))
    forward = streamed(Shell(open_config(folder), torch.float32), tensors)
    assert forward.logprobs is not None, forward.problem
    assert torch.allclose(forward.logprobs, whole(folder), atol=1e-5)


def test_one_shell_serves_many_models(pico: Path) -> None:
    tensors = load_file(pico / "model.safetensors")
    shell = Shell(open_config(pico), torch.float32)
    first = streamed(shell, tensors).logprobs
    other = streamed(shell, {**tensors, "model.norm.weight": tensors["model.norm.weight"] * 1.1}).logprobs
    again = streamed(shell, tensors).logprobs
    assert first is not None
    assert other is not None
    assert again is not None
    assert torch.equal(first, again)
    assert (first - other).abs().max() > 10 * TOLERANCE["float32"]


def test_weights_that_break_off_give_no_answer(pico: Path) -> None:
    tensors = load_file(pico / "model.safetensors")
    forward = streamed(Shell(open_config(pico), torch.float32), dict(list(tensors.items())[:3]))
    assert forward.logprobs is None
    assert "did not arrive" in forward.problem


def test_a_prompt_spans_the_vocabulary_and_repeats_nothing() -> None:
    assert len(set(canary_ids(32000, 136))) == 136
    assert max(canary_ids(32000, 136)) > 31000


def test_a_checksum_adds_up_over_parts_ignores_padding_and_sees_one_bit() -> None:
    tensor = torch.randn(8, 6, generator=torch.Generator().manual_seed(0)).bfloat16()
    padded = torch.cat([tensor, torch.zeros(3, 6).bfloat16()])
    assert sum_of(tensor[:3]) + sum_of(tensor[3:]) == sum_of(tensor.T) == sum_of(padded)
    changed = tensor.clone()
    changed.view(torch.int16)[0, 0] ^= 1
    assert sum_of(changed) != sum_of(tensor)


def test_what_differs_is_named_and_other_names_are_compared_as_a_whole() -> None:
    sent = {"model.layers.0": 5, "model.layers.1": -7}
    assert differing(sent, [{"model.layers.0": 2, "model.layers.1": -7}, {"model.layers.0": 3}]) == []
    assert differing(sent, [{"model.layers.0": 6, "model.layers.1": -8}]) == [
        "model.layers.0",
        "model.layers.1",
    ]
    assert differing(sent, [{"text.layers.0": 5, "text.layers.1": -7}]) == []
    assert differing(sent, [{"text.layers.0": 5}]) == ["the model"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_tensors_are_read_after_they_were_written(pico: Path) -> None:
    """Whoever reads them has a stream of its own, as vLLM's workers do, and is slow."""
    shell = Shell(open_config(pico), torch.float32, "cuda")
    with torch.cuda.stream(torch.cuda.Stream()):  # type: ignore[no-untyped-call]
        forward = Forward(shell, IDS)
        for name, tensor in load_file(pico / "model.safetensors").items():
            torch.cuda._sleep(10_000_000)
            forward.see(name, tensor.cuda() * 1)
        forward.end()
    assert forward.logprobs is not None, forward.problem
    assert torch.allclose(forward.logprobs, whole(pico), atol=1e-3)
