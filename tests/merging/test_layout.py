from __future__ import annotations

import pytest

from merging.layout import is_embedding, layer_index, layer_order, n_layers, tied_embedding


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("model.layers.12.mlp.up_proj.weight", 12),
        ("transformer.h.3.attn.c_attn.weight", 3),
        ("model.layers.1.block_sparse_moe.experts.7.w1.weight", 1),
        ("model.embed_tokens.weight", None),
        ("model.norm.weight", None),
        ("lm_head.weight", None),
    ],
)
def test_the_layer_is_the_first_number_in_a_name(name: str, layer: int | None) -> None:
    assert layer_index(name) == layer


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
