import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from evaluators.engines.engine import Engine
from evaluators.engines.transformers import TransformersEngine
from evaluators.errors import EngineError, OutOfMemory
from tests.evaluators.engines.contract import TINY, EngineContract
from tests.evaluators.engines.contract import Weights as Tiny

PROMPTS = ["Question: 2+3?\nAnswer:", "a", "The quick brown fox", "zz " * 9, "def f(x):\n", "#", "0 1 2 3 4"]
Weights = dict[str, torch.Tensor]


class TestContract(EngineContract):
    @staticmethod
    def build() -> TransformersEngine:
        return TransformersEngine(TINY / "base", dtype="float32", device="cpu")


def weights(folder: Path) -> Weights:
    return load_file(folder / "model.safetensors")


def loaded(folder: Path, **options: object) -> TransformersEngine:
    engine = TransformersEngine(folder, **options)
    engine.load(weights(folder).items())
    return engine


def oracle(folder: Path, prompts: list[str], stop: list[str], max_tokens: int) -> list[str]:
    """The texts of lm-eval's own `hf` model."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=str(folder), dtype="float32", device="cpu", batch_size=3)
    asked = {"until": stop, "max_gen_toks": max_tokens, "do_sample": False}
    requests = [Instance("generate_until", {}, (prompt, dict(asked)), i) for i, prompt in enumerate(prompts)]
    return model.generate_until(requests, disable_tqdm=True)


def texts(engine: Engine, prompts: list[str], stop: list[str], max_tokens: int) -> list[str]:
    return [completion.text for completion in engine.generate(prompts, stop, max_tokens)]


@pytest.mark.parametrize("stop", [[], ["q"], ["\n", "a", "Zb"]])
def test_texts_are_those_of_lm_eval(pico: Path, stop: list[str]) -> None:
    theirs = oracle(pico, PROMPTS, stop, 24)
    assert texts(loaded(pico, batch_size=4), PROMPTS, stop, 24) == theirs
    assert len(set(theirs)) > 3, "a comparison needs different texts"


def test_a_prompt_beyond_the_context_loses_its_beginning_as_in_lm_eval(
    pico: Path, caplog: pytest.LogCaptureFixture
) -> None:
    prompts = ["long " * 40, "short", "longer " * 50]
    engine = loaded(pico)
    with caplog.at_level(logging.WARNING, "evaluators"):
        found = texts(engine, prompts, [], 16)
        texts(engine, prompts, [], 16)
    assert found == oracle(pico, prompts, [], 16)
    said = [record.getMessage() for record in caplog.records if record.name.startswith("evaluators")]
    assert said == ["2 of 3 prompts have over 112 tokens and are cut"]


def test_a_loaded_engine_answers_as_one_that_was_built_with_those_weights(pico: Path, tmp_path: Path) -> None:
    other = {name: tensor.flip(0).contiguous() for name, tensor in weights(pico).items()}
    fresh = tmp_path / "fresh"
    shutil.copytree(pico, fresh)
    save_file(other, fresh / "model.safetensors", metadata={"format": "pt"})
    engine = loaded(pico)
    before = texts(engine, PROMPTS, [], 24)
    engine.load(other.items())
    assert texts(engine, PROMPTS, [], 24) == oracle(fresh, PROMPTS, [], 24) != before
    engine.load(weights(pico).items())
    assert texts(engine, PROMPTS, [], 24) == before


def test_loading_copies_in_place(pico: Path) -> None:
    engine = TransformersEngine(pico)
    before = {name: slot.data_ptr() for name, slot in engine.model.named_parameters()}
    engine.load(weights(pico).items())
    assert {name: slot.data_ptr() for name, slot in engine.model.named_parameters()} == before


def test_every_tensor_arrives_exactly(untied: Path) -> None:
    engine = loaded(untied)
    for name, slot in engine.model.state_dict().items():
        assert torch.equal(slot, weights(untied)[name])


def test_a_tied_head_may_come_along_or_stay_away(pico: Path) -> None:
    parts = weights(pico)
    assert "lm_head.weight" not in parts
    engine = loaded(pico)
    alone = texts(engine, PROMPTS, [], 12)
    engine.load([*parts.items(), ("lm_head.weight", parts["model.embed_tokens.weight"])])
    assert texts(engine, PROMPTS, [], 12) == alone
    with pytest.raises(
        EngineError, match=r"'lm_head\.weight' differs from the one that the model ties it to"
    ):
        engine.load([*parts.items(), ("lm_head.weight", parts["model.embed_tokens.weight"] + 1)])


def test_rotary_frequencies_of_old_checkpoints_are_left_out(pico: Path) -> None:
    old = ("model.layers.0.self_attn.rotary_emb.inv_freq", torch.ones(4))
    engine = loaded(pico)
    before = texts(engine, PROMPTS, [], 12)
    engine.load([*weights(pico).items(), old])
    assert texts(engine, PROMPTS, [], 12) == before


def test_a_missing_tensor_is_named_and_nothing_is_generated_from_leftovers(untied: Path) -> None:
    engine = loaded(untied)
    parts = weights(untied)
    del parts["lm_head.weight"]
    with pytest.raises(EngineError, match=r"lack lm_head\.weight"):
        engine.load(parts.items())
    with pytest.raises(EngineError, match="no weights are loaded"):
        engine.generate(PROMPTS, [], 4)


def test_an_unknown_or_misshapen_tensor_is_named(pico: Path) -> None:
    engine = TransformersEngine(pico)
    with pytest.raises(EngineError, match=r"no tensor 'model\.extra'"):
        engine.load([("model.extra", torch.ones(1))])
    with pytest.raises(EngineError, match=r"'model\.norm\.weight': .* expects shape \(32,\), found \(3,\)"):
        engine.load([("model.norm.weight", torch.ones(3))])


def test_a_source_that_fails_half_way_leaves_no_weights(pico: Path) -> None:
    def broken() -> Iterator[tuple[str, torch.Tensor]]:
        yield next(iter(weights(pico).items()))
        raise OverflowError("a candidate with NaN")

    engine = loaded(pico)
    with pytest.raises(OverflowError):
        engine.load(broken())
    with pytest.raises(EngineError, match="no weights are loaded"):
        engine.generate(PROMPTS, [], 4)


def test_answers_keep_the_order_of_the_prompts_and_ignore_their_batch(pico: Path) -> None:
    engine = loaded(pico, batch_size=3)
    together = engine.generate(PROMPTS, ["q"], 24)
    assert together == [engine.generate([prompt], ["q"], 24)[0] for prompt in PROMPTS]
    assert engine.generate(PROMPTS, ["q"], 24) == together
    assert engine.generate([], ["q"], 24) == []


def test_tokens_end_at_the_end_of_text(pico: Path) -> None:
    engine = loaded(pico)
    with torch.no_grad():  # nothing but the head speaks, and </s> is its loudest word
        for layer in engine.model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        head = engine.model.lm_head.weight
        head.fill_(1.0)
        head[engine.tokenizer.eos_token_id] = 2.0
    (found,) = engine.generate(["a"], [], 8)
    assert (found.text, found.tokens) == ("", 1)


def test_a_tokenizer_without_a_pad_token_works_as_in_lm_eval(pico: Path, tmp_path: Path) -> None:
    shutil.copytree(pico, tmp_path / "model")
    for name in ("tokenizer_config.json", "config.json", "generation_config.json"):
        file = tmp_path / "model" / name
        fields = {k: v for k, v in json.loads(file.read_text()).items() if not k.startswith("pad_token")}
        file.write_text(json.dumps(fields))
    engine = loaded(tmp_path / "model")
    assert engine.tokenizer.pad_token is None
    assert texts(engine, PROMPTS, ["q"], 16) == oracle(tmp_path / "model", PROMPTS, ["q"], 16)


def test_a_checkpoints_repetition_penalty_counts_and_its_sampling_does_not(
    pico: Path, tmp_path: Path
) -> None:
    shutil.copytree(pico, tmp_path / "model")
    file = tmp_path / "model" / "generation_config.json"
    sampling = {"do_sample": True, "temperature": 3.0, "top_k": 5, "repetition_penalty": 5.0}
    file.write_text(json.dumps(json.loads(file.read_text()) | sampling))
    engine = loaded(tmp_path / "model")
    found = texts(engine, PROMPTS, [], 16)
    assert found == texts(engine, PROMPTS, [], 16)
    assert found != texts(loaded(pico), PROMPTS, [], 16)


def test_the_description_names_engine_and_arithmetic(pico: Path) -> None:
    assert TransformersEngine(pico, device="cpu").description == "transformers/float32"
    assert TransformersEngine(pico, dtype="bfloat16", device="cpu").description == "transformers/bfloat16"


def test_what_cannot_be_built_is_named(pico: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"absent: no model or tokenizer to build"):
        TransformersEngine(tmp_path / "absent")
    with pytest.raises(EngineError, match="'int8' is none; write auto, float32"):
        TransformersEngine(pico, dtype="int8")


def test_an_answer_longer_than_the_context_is_refused(pico: Path) -> None:
    with pytest.raises(EngineError, match="context is 128 tokens; lower max_tokens"):
        loaded(pico).generate(["a"], [], 128)


def test_a_failure_of_the_library_is_an_engine_error(pico: Path) -> None:
    engine = loaded(pico)
    engine.tokenizer.add_tokens([f"word{n}" for n in range(9)])
    with pytest.raises(EngineError, match="transformers could not answer: index out of range"):
        engine.generate(["word8"], [], 4)


def test_a_closed_engine_answers_nothing(pico: Path) -> None:
    engine = loaded(pico)
    engine.close()
    with pytest.raises(EngineError, match="no weights are loaded"):
        engine.generate(["a"], [], 4)


def test_a_batch_that_does_not_fit_is_told_apart_and_the_engine_answers_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = TransformersEngine(TINY / "base")
    engine.load(Tiny())
    before = texts(engine, PROMPTS, [], 4)

    def full(**_: object) -> torch.Tensor:
        return torch.empty(2**60, dtype=torch.uint8)

    with monkeypatch.context() as patched:
        patched.setattr(engine.model, "generate", full)
        with pytest.raises(OutOfMemory, match=r"transformers could not answer: .*allocate"):
            engine.generate(PROMPTS, [], 4)
    assert texts(engine, PROMPTS, [], 4) == before
