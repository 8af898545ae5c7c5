"""Fields of a config.json that change nothing of what weights compute: all others must agree in a family.

The list is by name, for every architecture of transformers 5.19 (its config classes and what its models read
of them). A field that is new to all of us counts as one that changes something.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NAMES = (
    # where a file comes from and who wrote it
    "_name_or_path name_or_path _commit_hash transformers_version unsloth_version unsloth_fixed",
    "tokenizer_class finetuning_task task_specific_params _rope_scaling_validation model_max_length",
    "tokenizer_model_max_length",
    # how numbers are stored
    "dtype torch_dtype",
    # how the same is computed, and what is handed out of it
    "use_cache cache_implementation gradient_checkpointing use_gradient_checkpointing torchscript",
    "attn_implementation _attn_implementation _attn_implementation_internal _attn_implementation_autoset",
    "_flash_attn_2_enabled use_flash_attn use_flash_attention flash_attn experts_implementation",
    "_experts_implementation _experts_implementation_internal use_mamba_kernels use_mambapy",
    "use_associative_scan pretraining_tp slow_but_exact reorder_and_upcast_attn chunk_size_feed_forward",
    "num_logits_to_keep output_hidden_states output_attentions _output_attentions output_scores",
    "output_router_logits return_dict use_return_dict return_dict_in_generate keys_to_ignore_at_inference",
    # training
    "initializer_range initializer_factor init_std embedding_initializer_range router_aux_loss_coef",
    "aux_loss_coef aux_loss_alpha router_z_loss_coef z_loss_coefficient seq_aux use_reentrant",
    "neftune_noise_alpha time_step_min time_step_max time_step_floor time_step_scale",
    "time_step_init_scheme rescale_prenorm_residual",
    # heads for other tasks, which no causal model has
    "id2label label2id num_labels problem_type summary_type summary_use_proj summary_activation",
    "summary_proj_to_labels summary_first_dropout summary_last_dropout classifier_activation",
    "classifier_pooling classifier_bias classifier_norm_eps",
    # how answers are drawn, as old configs have it: generation_config.json says so today
    "do_sample temperature top_k top_p typical_p min_p epsilon_cutoff eta_cutoff repetition_penalty",
    "encoder_repetition_penalty length_penalty diversity_penalty no_repeat_ngram_size",
    "encoder_no_repeat_ngram_size bad_words_ids suppress_tokens begin_suppress_tokens max_length",
    "min_length max_new_tokens min_new_tokens num_beams num_beam_groups num_return_sequences",
    "early_stopping remove_invalid_values exponential_decay_length_penalty prefix bos_token eos_token",
    "pad_token unk_token",
    # said elsewhere: architecture and vocabulary have checks of their own
    "model_type architectures auto_map vocab_size tie_word_embeddings",
)
HARMLESS = frozenset(name for line in _NAMES for name in line.split())
"""Names of fields, wherever they stand."""

_ENDINGS = ("_token_id", "_token_ids", "_token_index", "_pdrop", "dropout", "dropout_prob", "dropout_p")
"""Endings of such names: numbers of tokens, and what is dropped in training; `layerdrop` beside them."""

LENGTHS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")
"""How long texts may be: of learned positions shapes tell as much."""

_ROPE_WITHOUT_LENGTH = ("default", "linear", "llama3", "proportional", "mrope", None)
"""Kinds of rotary positions that do not read the longest text; others stretch by it."""

_PLACES_FROM_PADDING = (
    "camembert",
    "data2vec-text",
    "prophetnet",
    "roberta",
    "roberta-prelayernorm",
    "trocr",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
)
"""Architectures that count positions from the number of the padding token."""

_RULES_FOR_LAYERS = ("max_window_layers", "_sliding_window_pattern", "no_rope_layer_interval")
"""What a config derives its list of layer types from, which then stands for it."""

WHEN_ABSENT = {"attention_bias": False, "mlp_bias": False, "use_mrope": False}
"""What architectures without such a field have of it."""


def is_harmless(field: str, model_type: object) -> bool:
    """Whether a field, by its dotted name, changes no arithmetic in any model of this type."""
    name = field.rpartition(".")[2]
    if name == "pad_token_id" and model_type in _PLACES_FROM_PADDING:
        return False
    return not HARMLESS.isdisjoint(field.split(".")) or name.endswith(_ENDINGS) or name.endswith("layerdrop")


def idle_fields(fields: Mapping[str, Any], model_type: object) -> set[str]:
    """Fields that change nothing beside the others of one config whose defaults are filled in."""
    idle = {name for name in fields if name.endswith(".type") and f"{name[:-4]}rope_type" in fields}
    kinds = {value for name, value in fields.items() if name.endswith("rope_type")}
    if kinds <= set(_ROPE_WITHOUT_LENGTH):
        idle |= _called(fields, *LENGTHS)
    if _called(fields, "layer_types"):
        idle |= _called(fields, *_RULES_FOR_LAYERS)
        if not str(model_type).startswith("exaone"):
            idle |= _called(fields, "sliding_window_pattern")
    if "rope_parameters.partial_rotary_factor" in fields:
        idle.add("partial_rotary_factor")
    return idle


def _called(fields: Mapping[str, Any], *names: str) -> set[str]:
    return {field for field in fields if field.rpartition(".")[2] in names}
