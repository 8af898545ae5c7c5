from __future__ import annotations

import pytest

from merging.layout import (
    is_embedding,
    is_head,
    is_table,
    layer_index,
    layer_order,
    n_layers,
    other_part,
    tied_embedding,
    vocabulary_tensors,
    wrapper,
)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("model.layers.12.mlp.up_proj.weight", 12),
        ("transformer.h.3.attn.c_attn.weight", 3),
        ("model.layers.1.block_sparse_moe.experts.7.w1.weight", 1),
        ("model.embed_tokens.weight", None),
        ("model.norm.weight", None),
        ("lm_head.weight", None),
        ("model.language_model.layers.4.mlp.up_proj.weight", 4),
        ("language_model.model.layers.4.mlp.up_proj.weight", 4),
        ("vision_tower.vision_model.encoder.layers.4.mlp.fc1.weight", None),
        ("model.vision_tower.encoder.layers.4.mlp.fc1.weight", None),
        ("model.visual.blocks.4.mlp.fc1.weight", None),
        ("visual.merger.mlp.0.weight", None),
        ("model.multi_modal_projector.layers.0.weight", None),
        ("model.layers.4.visual.weight", 4),
    ],
)
def test_the_layer_is_the_first_number_in_a_name(name: str, layer: int | None) -> None:
    assert layer_index(name) == layer


@pytest.mark.parametrize(
    ("name", "part", "wraps"),
    [
        ("model.language_model.layers.4.mlp.up_proj.weight", None, "model.language_model"),
        ("language_model.lm_head.weight", None, "language_model"),
        ("model.text_model.norm.weight", None, "model.text_model"),
        ("model.visual.pos_embed.weight", "model.visual", None),
        ("visual.merger.mlp.0.weight", "visual", None),
        ("vision_tower.embeddings.patch_embedding.weight", "vision_tower", None),
        ("transformer.visual.proj", "transformer.visual", None),
        ("talker.lm_head.weight", "talker", None),
        ("model.layers.4.visual.weight", None, None),
        ("lm_head.weight", None, None),
        ("weight", None, None),
    ],
)
def test_parts_are_told_by_how_names_begin(name: str, part: str | None, wraps: str | None) -> None:
    assert other_part(name) == part
    assert wrapper(name) == wraps
    if part is not None:
        assert not is_head(name)
        assert not is_embedding(name)
        assert vocabulary_tensors([name]) == []


def test_order_goes_from_input_to_output_with_layers_by_number() -> None:
    names = [
        "lm_head.weight",
        "model.layers.10.a",
        "model.layers.9.b",
        "model.layers.9.a",
        "model.embed_tokens.weight",
    ]
    assert layer_order(names) == [names[4], names[3], names[2], names[1], names[0]]


def test_layers_are_counted_from_names() -> None:
    assert n_layers(["model.layers.0.a", "model.layers.3.a", "lm_head.weight"]) == 4
    assert n_layers(["lm_head.weight"]) == 0


def test_embeddings_are_what_comes_before_the_layers() -> None:
    assert is_embedding("transformer.wpe.weight")
    assert not is_embedding("model.layers.0.embed_q.weight")
    assert tied_embedding(["model.norm.weight", "model.embed_tokens.weight"]) == "model.embed_tokens.weight"
    assert tied_embedding(["model.norm.weight"]) is None


@pytest.mark.parametrize(
    ("names", "vocabulary"),
    [
        (["wte.weight", "wpe.weight", "h.0.ln_1.weight"], ["wte.weight"]),
        (["gpt_neox.embed_in.weight", "embed_out.weight"], ["embed_out.weight", "gpt_neox.embed_in.weight"]),
        (["model.embed_tokens.weight", "lm_head.bias"], ["lm_head.bias", "model.embed_tokens.weight"]),
        (["word_embeddings.weight", "word_embeddings_layernorm.weight"], ["word_embeddings.weight"]),
        (["position_embeddings.weight", "model.layers.0.embed_tokens.weight"], []),
    ],
)
def test_vocabulary_tensors_are_token_embeddings_and_heads(names: list[str], vocabulary: list[str]) -> None:
    assert vocabulary_tensors(names) == vocabulary


def test_a_head_comes_last_whatever_it_is_called() -> None:
    names = ["embed_out.weight", "gpt_neox.layers.0.a", "gpt_neox.embed_in.weight"]
    assert layer_order(names) == names[::-1]
    assert is_head("embed_out.weight")
    assert not is_embedding("embed_out.weight")


@pytest.mark.parametrize(
    ("name", "shape", "table"),
    [
        ("gpt_neox.layers.0.attention.bias", (1, 1, 8, 8), True),
        ("h.0.attn.bias", (1, 1, 8, 8), True),
        ("gpt_neox.layers.0.attention.masked_bias", (), True),
        ("model.layers.0.self_attn.rotary_emb.inv_freq", (4,), True),
        ("model.layers.0.attn.bias", (8,), False),
        ("model.layers.0.attention.dense.bias", (8,), False),
    ],
)
def test_tables_that_models_compute_are_told_from_weights(
    name: str, shape: tuple[int, ...], table: bool
) -> None:
    assert is_table(name, shape) is table
