from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from merging.errors import CheckpointError
from merging.family.sameness import check_family
from merging.models.checkpoint import open_checkpoint
from merging.worker import Candidate
from tests.merging.pico import Pico, edit_json, open_family, recipe_of, write_family, write_model


def check(base: Path, *experts: Path) -> None:
    check_family(open_checkpoint(base), [open_checkpoint(expert) for expert in experts])


def refuse(base: Path, expert: Path, message: str) -> None:
    with pytest.raises(CheckpointError, match=message) as error:
        check(base, expert)
    assert "\n" not in str(error.value)
    assert str(expert) in str(error.value)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_model(tmp_path / "base", Pico().base(), Pico())


def test_fine_tunes_of_one_base_are_a_family(tmp_path: Path) -> None:
    base, experts = write_family(tmp_path)
    check(base, *experts)


def test_dtypes_and_shards_may_differ(base: Path, tmp_path: Path) -> None:
    pico = Pico(dtype=torch.float32, shards=2)
    check(base, write_model(tmp_path / "e", pico.base(), pico))


def test_another_shape(base: Path, tmp_path: Path) -> None:
    pico = Pico(hidden=32)
    refuse(
        base,
        write_model(tmp_path / "e", pico.base(), pico),
        r"config\.json: hidden_size: 32, the base .* has 16",
    )


def test_another_shape_under_the_same_config(base: Path, tmp_path: Path) -> None:
    weights = Pico().base()
    weights["model.layers.0.mlp.up_proj.weight"] = torch.zeros(31, 16)
    message = r"up_proj\.weight: shape \[31, 16\], the base .* has \[32, 16\]"
    refuse(base, write_model(tmp_path / "e", weights, Pico()), message)


def test_another_vocabulary_size(base: Path, tmp_path: Path) -> None:
    pico = Pico(vocabulary=(*Pico().vocabulary, "!!"))
    refuse(base, write_model(tmp_path / "e", pico.base(), pico), "vocab_size 33, the base .* has 32")


def test_another_vocabulary_of_the_same_size(base: Path, tmp_path: Path) -> None:
    pico = Pico(vocabulary=(*Pico().vocabulary[:-1], "é"))
    message = r"token '<' is missing, in the base it is number 31 \(2 tokens differ\)"
    refuse(base, write_model(tmp_path / "e", pico.base(), pico), message)


def test_tokens_in_another_order(base: Path, tmp_path: Path) -> None:
    pico = Pico(vocabulary=(*Pico().vocabulary[:-2], *Pico().vocabulary[:-3:-1]))
    refuse(
        base,
        write_model(tmp_path / "e", pico.base(), pico),
        "token ';' is number 31, in the base it is number 30",
    )


def test_a_broken_tokenizer(base: Path, tmp_path: Path) -> None:
    expert = write_model(tmp_path / "e", Pico().base(), Pico())
    (expert / "tokenizer.json").write_text("{}")
    refuse(base, expert, r"tokenizer\.json: not a tokenizer")


def test_models_without_tokenizer_files_may_be_merged(base: Path, tmp_path: Path) -> None:
    expert = write_model(tmp_path / "e", Pico().base(), Pico())
    (expert / "tokenizer.json").unlink()
    check(base, expert)


def test_missing_and_extra_tensors(base: Path, tmp_path: Path) -> None:
    weights = Pico().base()
    norm = weights.pop("model.norm.weight")
    message = r"lacks model\.norm\.weight \(1 missing, 0 extra"
    refuse(base, write_model(tmp_path / "lacking", weights, Pico()), message)
    extra = {**Pico().base(), "model.layers.0.self_attn.q_proj.bias": norm}
    message = r"has an extra model\.layers\.0\.self_attn\.q_proj\.bias \(0 missing, 1 extra"
    refuse(base, write_model(tmp_path / "extra", extra, Pico()), message)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"model_type": "mistral"}, "model_type: 'mistral', the base .* has 'llama'"),
        ({"rms_norm_eps": 1e-5}, r"rms_norm_eps: 1e-05, the base .* has 1e-06 \(by default\)"),
        ({"rms_norm_eps": 1e-6}, None),
        ({"rope_theta": 1e6}, r"rope_theta: 1000000.0, the base .* has 10000.0 \(by default\)"),
        ({"num_key_value_heads": 4}, "num_key_value_heads: 4, the base .* has 2; only fine-tunes"),
        ({"transformers_version": "4.0", "use_cache": False}, None),
    ],
)
def test_config_fields_count_whether_stated_or_not(
    base: Path, tmp_path: Path, edit: dict[str, Any], message: str | None
) -> None:
    expert = write_model(tmp_path / "e", Pico().base(), Pico(config=edit))
    if message is None:
        check(base, expert)
    else:
        refuse(base, expert, message)


def test_rope_is_compared_across_versions_of_transformers(base: Path, tmp_path: Path) -> None:
    edit_json(base / "config.json", lambda config: config.update(rope_theta=1e4))
    new = {"rope_parameters": {"rope_theta": 1e4, "rope_type": "default"}}
    check(base, write_model(tmp_path / "same", Pico().base(), Pico(config=new)))
    new = {"rope_parameters": {"rope_theta": 1e6, "rope_type": "default"}}
    refuse(base, write_model(tmp_path / "other", Pico().base(), Pico(config=new)), "rope_theta: 1000000.0")


def test_quantized_weights(base: Path, tmp_path: Path) -> None:
    weights = {**Pico().base(), "model.norm.weight": torch.zeros(16, dtype=torch.int8)}
    expert = write_model(tmp_path / "e", weights, Pico())
    refuse(base, expert, r"model\.norm\.weight: dtype I8, expected one of bfloat16")


def test_a_head_of_its_own_against_a_tied_base(tmp_path: Path) -> None:
    tied = write_model(tmp_path / "tied", Pico(tied=True).base(), Pico(tied=True))
    untied = write_model(tmp_path / "untied", Pico().base(), Pico())
    refuse(tied, untied, r"lm_head\.weight differs from its embedding, while .*tied stores no head")
    with pytest.raises(CheckpointError, match=r"save both with the head untied, or both tied"):
        check(untied, tied)


@pytest.mark.parametrize("stored_by_base", [True, False])
def test_a_head_stored_beside_its_equal_embedding_is_no_difference(
    tmp_path: Path, stored_by_base: bool
) -> None:
    pico = Pico(tied=True)
    stored = {**pico.base(), "lm_head.weight": pico.base()["model.embed_tokens.weight"].clone()}
    plain, double = write_model(tmp_path / "p", pico.base(), pico), write_model(tmp_path / "d", stored, pico)
    base, expert = (double, plain) if stored_by_base else (plain, double)
    check(base, expert)


def test_a_head_that_an_expert_does_not_store_is_merged_as_its_embedding(tmp_path: Path) -> None:
    worker = open_family(tmp_path, Pico(tied=True), experts=1)
    stored = {
        **Pico(tied=True).base(),
        "lm_head.weight": Pico(tied=True).base()["model.embed_tokens.weight"].clone(),
    }
    double = open_checkpoint(write_model(tmp_path / "d", stored, Pico(tied=True)))
    mixed = type(worker)(double, worker.experts, worker.base_ref, worker.expert_refs)
    merged = dict(Candidate(mixed, recipe_of(worker, "linear", (1.0,))))
    assert torch.equal(merged["lm_head.weight"], worker.experts[0].tensor("model.embed_tokens.weight"))


def test_more_rows_under_the_same_config_can_be_aligned(base: Path, tmp_path: Path) -> None:
    weights = {**Pico().base(), "lm_head.weight": torch.zeros(40, 16)}
    message = (
        r"lm_head\.weight: shape \[40, 16\], the base .* has \[32, 16\]; set tokenizer_source to base or"
    )
    refuse(base, write_model(tmp_path / "e", weights, Pico()), message)
