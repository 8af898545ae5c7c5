"""A merged model's config: its dtype, its depth, and what it says of each layer."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from merging.models.output_config import output_config

LAYERS = ["sliding_attention", "full_attention", "sliding_attention", "full_attention"]


@pytest.fixture(autouse=True)
def _quiet_import() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # transformers' own, on import
        import transformers

    assert transformers


def stacked(config: dict[str, Any], *origins: int) -> dict[str, Any]:
    return output_config(config, "bfloat16", len(origins), origins)


@pytest.mark.parametrize("field", ["num_hidden_layers", "n_layer", "num_layers", "n_layers"])
def test_the_depth_is_told_under_the_key_that_the_config_uses(field: str) -> None:
    config = {"model_type": "of its own", field: 4, "hidden_size": 8}
    assert stacked(config, 0, 1, 1, 2, 3) == {**config, field: 5, "dtype": "bfloat16"}
    assert config[field] == 4


def test_models_of_several_kinds_of_input_tell_it_of_their_text_part() -> None:
    text = {"model_type": "of its own", "num_hidden_layers": 4, "layer_types": LAYERS}
    config = {"model_type": "many", "text_config": text, "vision_config": {"num_hidden_layers": 4}}
    made = stacked(config, 3, 0)
    assert made["text_config"] == {**text, "num_hidden_layers": 2, "layer_types": [LAYERS[3], LAYERS[0]]}
    assert made["vision_config"] == {"num_hidden_layers": 4}
    assert "num_hidden_layers" not in made


def test_a_text_part_and_the_whole_agree() -> None:
    config = {"num_hidden_layers": 4, "text_config": {"num_hidden_layers": 4}}
    made = stacked(config, 0, 1)
    assert made["num_hidden_layers"] == made["text_config"]["num_hidden_layers"] == 2


def test_a_default_depth_is_transformers_own() -> None:
    """transformers 4 left defaults out; PaliGemma and Gemma 3 came that way."""
    config = {"model_type": "gemma3", "text_config": {"model_type": "gemma3_text", "hidden_size": 2560}}
    text = stacked(config, *range(26), 25)["text_config"]
    assert text["num_hidden_layers"] == 27
    assert text["layer_types"][5] == text["layer_types"][23] == "full_attention"
    assert text["layer_types"][26] == text["layer_types"][25]


def test_lists_of_layers_follow_the_layers() -> None:
    config = {
        "num_hidden_layers": 4,
        "layer_types": LAYERS,
        "no_rope_layers": [1, 1, 1, 0],
        "mlp_only_layers": [0, 3],
        "architectures": ["A", "B", "C", "D"],
        "eos_token_id": [5, 6, 7, 8],
        "other": [1, 2],
    }
    made = stacked(config, 0, 1, 1, 3, 3)
    assert made["layer_types"] == [LAYERS[i] for i in (0, 1, 1, 3, 3)]
    assert made["no_rope_layers"] == [1, 1, 1, 0, 0]
    assert made["mlp_only_layers"] == [0, 3, 4]
    assert [made[key] for key in ("architectures", "eos_token_id", "other")] == [
        config[key] for key in ("architectures", "eos_token_id", "other")
    ]


def test_layers_that_change_places_in_a_model_as_deep_take_their_lists_along() -> None:
    config = {"num_hidden_layers": 4, "layer_types": LAYERS}
    assert stacked(config, 1, 0, 2, 3)["layer_types"] == [LAYERS[i] for i in (1, 0, 2, 3)]


@pytest.mark.parametrize("origins", [None, (0, 1, 7)], ids=["unknown", "deeper than the donor"])
def test_lists_of_layers_from_elsewhere_stay_only_if_all_are_alike(origins: tuple[int, ...] | None) -> None:
    config = {"num_hidden_layers": 4, "layer_types": LAYERS, "no_rope_layers": [1, 1, 1, 1]}
    made = output_config(config, "bfloat16", 3, origins)
    assert "layer_types" not in made
    assert made["no_rope_layers"] == [1, 1, 1]
    longer = output_config(config, "bfloat16", 6)
    assert longer["no_rope_layers"] == [1] * 6


def test_layers_keep_their_attention_where_a_rule_by_place_would_change_it() -> None:
    config = {"model_type": "gemma2", "num_hidden_layers": 4}  # every second is sliding
    assert stacked(config, 0, 1, 1, 2, 3)["layer_types"] == [LAYERS[i] for i in (0, 1, 1, 2, 3)]


def test_transformers_takes_the_stacked_config() -> None:
    from transformers import AutoConfig

    for kind in ("gemma2", "gemma3_text", "qwen2", "qwen3", "cohere2", "smollm3", "llama", "gpt2", "falcon"):
        config = AutoConfig.for_model(kind).to_dict()
        depth = AutoConfig.for_model(kind).num_hidden_layers
        made = stacked(config, *range(depth), *range(depth - 3, depth))
        again = AutoConfig.for_model(made.pop("model_type"), **made)
        assert again.num_hidden_layers == depth + 3
        assert getattr(again, "layer_types", None) in (None, made.get("layer_types"))


@pytest.mark.parametrize("origins", [None, (0, 1, 2, 3)])
def test_a_model_as_deep_as_before_keeps_its_config(origins: tuple[int, ...] | None) -> None:
    config = {"model_type": "gemma2", "num_hidden_layers": 4, "dtype": "float32"}
    assert output_config(config, "float32", 4, origins) == config
    assert output_config(config, "float32") == config


def test_a_default_depth_that_stays_is_left_unsaid() -> None:
    config = {"model_type": "gemma2", "layer_types": (LAYERS * 7)[:26], "dtype": "float32"}
    assert output_config(config, "float32", 26) == config
