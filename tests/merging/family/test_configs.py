"""Configs that mean another arithmetic are told apart, whoever leaves a field out."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from merging.family.configs import Mismatch, is_known, is_tied, mismatch
from merging.family.harmless import is_harmless

Config = Mapping[str, Any]

SIZE = {"vocab_size": 32, "hidden_size": 16, "num_hidden_layers": 4, "intermediate_size": 32}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}
TOKENS = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
PLAIN = {**SIZE, **HEADS, **TOKENS, "max_position_embeddings": 128}
BASES: dict[str, Config] = {
    "llama": {"model_type": "llama", "architectures": ["LlamaForCausalLM"], **PLAIN},
    "qwen2": {"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], **PLAIN},
    "gemma2": {"model_type": "gemma2", "architectures": ["Gemma2ForCausalLM"], **PLAIN},
    "phi3": {"model_type": "phi3", "architectures": ["Phi3ForCausalLM"], **PLAIN},
    "granite": {"model_type": "granite", "architectures": ["GraniteForCausalLM"], **PLAIN},
}
"""One of each: Gemma 2 caps its logits, Granite scales embeddings, residuals and logits."""

LONG = {"rope_type": "longrope", "short_factor": [1.0, 1.1], "long_factor": [2.0, 3.0]}
FIELDS: dict[str, dict[str, Any]] = {
    "llama": {
        "rms_norm_eps": 1e-5,
        "rope_theta": 500000.0,
        "rope_scaling": {"rope_type": "linear", "factor": 4.0},
        "rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0},
        "head_dim": 8,
        "hidden_act": "gelu",
        "attention_bias": True,
        "mlp_bias": True,
        "num_key_value_heads": 1,
        "is_causal": False,
        "sliding_window": 64,
        "a_field_of_tomorrow": 2.0,
    },
    "qwen2": {
        "rms_norm_eps": 1e-5,
        "rope_theta": 1e6,
        "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32},
        "hidden_act": "gelu",
        "use_sliding_window": True,
        "layer_types": ["sliding_attention"] * 4,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "attention_bias": True,
        "is_causal": False,
        "logit_scale": 0.5,
        "use_mrope": True,
    },
    "gemma2": {
        "rms_norm_eps": 1e-5,
        "rope_theta": 1e6,
        "rope_scaling": {"rope_type": "dynamic", "factor": 2.0},
        "final_logit_softcapping": 20.0,
        "attn_logit_softcapping": 30.0,
        "query_pre_attn_scalar": 144,
        "hidden_activation": "gelu",
        "sliding_window": 64,
        "layer_types": ["full_attention"] * 4,
        "head_dim": 64,
        "attention_bias": True,
        "use_bidirectional_attention": True,
    },
    "phi3": {
        "rms_norm_eps": 1e-6,
        "rope_theta": 1e6,
        "rope_scaling": LONG,
        "rope_parameters": {**LONG, "rope_theta": 10000.0},
        "hidden_act": "gelu",
        "sliding_window": 64,
        "num_key_value_heads": 1,
        "partial_rotary_factor": 0.5,
        "original_max_position_embeddings": 64,
        "head_dim": 8,
        "attention_bias": True,
    },
    "granite": {
        "embedding_multiplier": 12.0,
        "logits_scaling": 8.0,
        "residual_multiplier": 0.22,
        "attention_multiplier": 0.015,
        "rms_norm_eps": 1e-5,
        "rope_theta": 1e6,
        "rope_scaling": {"rope_type": "linear", "factor": 4.0},
        "hidden_act": "gelu",
        "attention_bias": True,
        "mlp_bias": True,
        "num_key_value_heads": 1,
    },
}
"""Fields that change what weights compute, each with a value that is not its architecture's default."""

CASES = [(kind, field) for kind, fields in FIELDS.items() for field in fields]


def changed(kind: str, **fields: Any) -> dict[str, Any]:
    return {**copy.deepcopy(BASES[kind]), **copy.deepcopy(fields)}


def without(config: Config, *names: str) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in names}


def named(found: Mismatch | None, field: str) -> bool:
    """Whether the mismatch names the field, or one of a rope's own that it stands for."""
    if found is None:
        return False
    if field in ("rope_scaling", "rope_parameters"):
        return found.field.startswith("rope_parameters.")
    return found.field.rpartition(".")[2] == field


@pytest.mark.parametrize(("kind", "field"), CASES)
@pytest.mark.parametrize("has_it", ["base", "expert"])
def test_a_field_that_one_leaves_out_counts_with_its_default(kind: str, field: str, has_it: str) -> None:
    bare = without(changed(kind), field)
    full = {**bare, field: copy.deepcopy(FIELDS[kind][field])}
    base, expert = (full, bare) if has_it == "base" else (bare, full)
    before = copy.deepcopy((base, expert))
    found = mismatch(base, expert)
    assert found is not None
    assert named(found, field) or field in ("use_sliding_window", "original_max_position_embeddings")
    assert found.base != found.expert
    assert (base, expert) == before


@pytest.mark.parametrize(("kind", "field"), CASES)
def test_the_same_field_in_both_is_no_difference(kind: str, field: str) -> None:
    full = changed(kind, **{field: FIELDS[kind][field]})
    assert mismatch(full, {**copy.deepcopy(full), "transformers_version": "4.0.0"}) is None
    assert mismatch(full, {**copy.deepcopy(full), "num_hidden_layers": 4.0, "use_cache": False}) is None


def test_both_values_are_told_and_which_is_a_default() -> None:
    found = mismatch(changed("gemma2"), changed("gemma2", final_logit_softcapping=20.0))
    assert found == Mismatch("final_logit_softcapping", "20.0", "30.0 (by default)")
    found = mismatch(changed("gemma2", final_logit_softcapping=20.0), changed("gemma2"))
    assert found == Mismatch("final_logit_softcapping", "30.0 (by default)", "20.0")
    assert mismatch(changed("llama"), changed("llama", is_causal=False)) == Mismatch(
        "is_causal", "False", "none"
    )


def test_rotary_positions_are_told_by_their_kind_first() -> None:
    scaled = changed("llama", rope_scaling={"type": "linear", "factor": 4.0}, rope_theta=1e6)
    found = mismatch(changed("llama"), scaled)
    assert found == Mismatch("rope_parameters.rope_type", "'linear'", "'default' (by default)", 2)


@pytest.mark.parametrize("kind", BASES)
@pytest.mark.parametrize(
    "edit",
    [
        {"transformers_version": "4.38.1", "_name_or_path": "somebody/base"},
        {"torch_dtype": "float16"},
        {"dtype": "bfloat16"},
        {"use_cache": False, "output_router_logits": False},
        {"attention_dropout": 0.1, "hidden_dropout": 0.1, "resid_pdrop": 0.1},
        {"initializer_range": 0.01},
        {"eos_token_id": [2, 3], "pad_token_id": 3, "bos_token_id": None},
        {"tokenizer_class": "LlamaTokenizerFast", "unsloth_version": "2025.1", "unsloth_fixed": True},
        {"pretraining_tp": 1, "id2label": {"0": "A"}, "label2id": {"A": 0}, "problem_type": None},
        {"_attn_implementation_autoset": True, "attn_implementation": "flash_attention_2"},
        {"temperature": 0.6, "top_p": 0.9, "do_sample": True, "max_length": 4096},
        {"rope_scaling": None},
        {"rope_theta": 10000.0},
        {"rope_theta": 10000},
        {"rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}},
        {"head_dim": None},
        {"max_position_embeddings": 4096},
        {"use_mrope": False, "max_window_layers": 21},
        {"auto_map": None, "quantization_config": None, "a_field_of_tomorrow": None},
    ],
    ids=str,
)
def test_what_changes_no_arithmetic_may_differ(kind: str, edit: dict[str, Any]) -> None:
    if kind == "gemma2" and edit == {"head_dim": None}:
        edit = {"head_dim": 256}  # what Gemma 2 takes, however many heads there are
    if "max_window_layers" in edit and kind != "qwen2":
        edit = without(edit, "max_window_layers")
    assert mismatch(changed(kind), changed(kind, **edit)) is None
    assert mismatch(changed(kind, **edit), changed(kind)) is None


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (
            "llama",
            {"rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 2.0}, "torch_dtype": "bfloat16"},
            {
                "rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 5e5},
                "dtype": "bfloat16",
                "head_dim": 4,
                "attention_bias": False,
                "mlp_bias": False,
            },
        ),
        (
            "qwen2",
            {"rope_theta": 1e6, "sliding_window": 128, "max_window_layers": 4, "use_sliding_window": False},
            {
                "rope_parameters": {"rope_theta": 1e6, "rope_type": "default"},
                "sliding_window": None,
                "max_window_layers": 28,
                "layer_types": ["full_attention"] * 4,
                "head_dim": 4,
            },
        ),
        (
            "gemma2",
            {"rope_theta": 1e4, "hidden_act": None, "cache_implementation": "hybrid"},
            {
                "rope_parameters": {"rope_theta": 1e4, "rope_type": "default"},
                "layer_types": ["sliding_attention", "full_attention"] * 2,
                "final_logit_softcapping": 30.0,
                "head_dim": 256,
            },
        ),
        (
            "phi3",
            {
                "rope_scaling": {**without(LONG, "rope_type"), "type": "longrope"},
                "original_max_position_embeddings": 64,
                "auto_map": {"AutoConfig": "configuration_phi3.Phi3Config"},
            },
            {
                "rope_parameters": {
                    **LONG,
                    "rope_theta": 10000.0,
                    "partial_rotary_factor": 1.0,
                    "original_max_position_embeddings": 64,
                },
                "original_max_position_embeddings": 64,
                "partial_rotary_factor": 1.0,
            },
        ),
        (
            "granite",
            {"rope_theta": 1e4, "rope_scaling": None},
            {"rope_parameters": {"rope_theta": 1e4, "rope_type": "default"}, "embedding_multiplier": 1.0},
        ),
    ],
)
def test_old_and_new_spellings_mean_the_same(kind: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    assert mismatch(changed(kind, **old), changed(kind, **new)) is None
    assert mismatch(changed(kind, **new), changed(kind, **old)) is None


@pytest.mark.parametrize("kind", BASES)
def test_a_config_that_transformers_wrote_means_the_one_it_read(kind: str) -> None:
    from transformers import AutoConfig

    said = changed(kind)
    fields = without(said, "model_type")
    written = AutoConfig.for_model(kind, **copy.deepcopy(fields)).to_dict()
    assert mismatch(said, written) is None
    assert mismatch(written, said) is None


def test_the_longest_text_counts_where_positions_stretch_by_it() -> None:
    for scaling in (
        {"rope_type": "dynamic", "factor": 2.0},
        {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 64},
    ):
        base = changed("llama", rope_scaling=scaling)
        found = mismatch(base, {**copy.deepcopy(base), "max_position_embeddings": 256})
        assert found == Mismatch("max_position_embeddings", "256", "128")
    phi = changed("phi3", rope_scaling=LONG, original_max_position_embeddings=64)
    found = mismatch(phi, {**copy.deepcopy(phi), "max_position_embeddings": 256})
    assert found == Mismatch("max_position_embeddings", "256", "128")
    linear = changed("llama", rope_scaling={"rope_type": "linear", "factor": 2.0})
    assert mismatch(linear, {**copy.deepcopy(linear), "max_position_embeddings": 256}) is None


def test_null_may_mean_another_thing_than_the_default() -> None:
    mistral = {**changed("llama"), "model_type": "mistral", "architectures": ["MistralForCausalLM"]}
    found = mismatch(mistral, {**mistral, "sliding_window": None})
    assert found == Mismatch("sliding_window", "none", "4096 (by default)")


def test_gemma_3_counts_the_base_of_its_local_layers() -> None:
    gemma = {**PLAIN, "model_type": "gemma3_text", "architectures": ["Gemma3ForCausalLM"], "head_dim": 8}
    old = {**gemma, "rope_theta": 1e6, "rope_local_base_freq": 1e4, "sliding_window_pattern": 6}
    local, full = ({"rope_type": "default", "rope_theta": theta} for theta in (1e4, 1e6))
    new = {**gemma, "rope_parameters": {"sliding_attention": local, "full_attention": full}}
    assert mismatch(old, {**new, "_sliding_window_pattern": 6}) is None
    found = mismatch(old, {**old, "rope_local_base_freq": 2e4})
    assert found is not None
    assert found.field == "rope_parameters.sliding_attention.rope_theta"


def test_another_architecture_or_model_type() -> None:
    base = changed("llama", architectures=["LlamaForCausalLM", "Another"])
    assert mismatch(base, changed("llama", architectures=["Another", "LlamaForCausalLM"])) is None
    assert mismatch(base, without(base, "architectures")) is None
    found = mismatch(changed("llama"), changed("llama", architectures=["LlamaModel"]))
    assert found == Mismatch("architectures", "['LlamaModel']", "['LlamaForCausalLM']")
    found = mismatch(changed("llama"), changed("qwen2"))
    assert found == Mismatch("model_type", "'qwen2'", "'llama'")


# -- architectures that transformers does not know -----------------------------------------------------------

CODE = {"AutoConfig": "configuration_own.OwnConfig", "AutoModelForCausalLM": "modeling_own.OwnModel"}
OWN = {"model_type": "own", "architectures": ["OwnModel"], "auto_map": CODE, "scale": 2.0, **PLAIN}


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ({"scale": 3.0}, Mismatch("scale", "3.0", "2.0")),
        ({"scale": None}, Mismatch("scale", "none", "2.0")),
        ({"other": 1}, Mismatch("other", "1", "none")),
        ({"other": False}, Mismatch("other", "False", "none")),
        ({"max_position_embeddings": 256}, Mismatch("max_position_embeddings", "256", "128")),
        (
            {"rope_parameters": {"rope_theta": 1e6}},
            Mismatch("rope_parameters.rope_theta", "1000000.0", "none"),
        ),
        (
            {"auto_map": {"AutoModel": "modeling_own.X"}},
            Mismatch("auto_map", "{'AutoModel': 'modeling_own.X'}", str(CODE)),
        ),
        ({"auto_map": {use: f"somebody/own--{name}" for use, name in CODE.items()}}, None),
        ({"transformers_version": "4.30", "use_cache": False, "torch_dtype": "float16"}, None),
        ({"other": None, "hidden_dropout_prob": 0.1, "eos_token_id": 3}, None),
    ],
    ids=str,
)
def test_code_of_its_own_must_be_given_the_same(edit: dict[str, Any], expected: Mismatch | None) -> None:
    assert not is_known(OWN)
    assert mismatch(OWN, {**OWN, **edit}) == expected


def test_code_that_stands_in_for_a_known_architecture_is_no_difference() -> None:
    own = changed("phi3", auto_map={"AutoModelForCausalLM": "modeling_phi3.Phi3ForCausalLM"})
    assert is_known(own)
    assert mismatch(changed("phi3"), own) is None
    strange = changed("llama", auto_map=CODE, architectures=["OwnModel"])
    assert not is_known(strange)
    assert mismatch(strange, {**strange, "rms_norm_eps": 1e-6}) == Mismatch("rms_norm_eps", "1e-06", "none")


def test_a_config_that_its_own_class_refuses_is_compared_as_it_stands() -> None:
    broken = changed("llama", hidden_size="sixteen")
    assert mismatch(broken, {**broken, "rms_norm_eps": 1e-6}) == Mismatch("rms_norm_eps", "1e-06", "none")


def test_heads_are_tied_by_what_is_stated_or_else_by_the_architecture() -> None:
    assert is_tied(changed("gemma2"))
    assert not is_tied(changed("llama"))
    assert is_tied(changed("llama", tie_word_embeddings=True))
    assert not is_tied(changed("gemma2", tie_word_embeddings=False))
    assert not is_tied(OWN)


def test_padding_counts_where_positions_are_counted_from_it() -> None:
    assert is_harmless("pad_token_id", "llama")
    assert not is_harmless("pad_token_id", "xlm-roberta")
    assert is_harmless("text_config.eos_token_id", "gemma3")
