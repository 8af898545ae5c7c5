"""The config of a merged model: its donor's, with the dtype and the number of layers that it has now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_DEPTH = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
"""Fields that architectures keep the number of layers in."""

_LAYER_NUMBERS = ("mlp_only_layers", "moe_layers")
"""Lists of the numbers of some layers, rather than of one value per layer."""

_OTHER_LISTS = ("architectures", "attention_types", "time_step_limit", *_LAYER_NUMBERS)
"""Lists that are as long as the model is deep by chance only."""


def output_config(
    config: Mapping[str, Any], dtype: str, depth: int | None = None, origins: Sequence[int] | None = None
) -> dict[str, Any]:
    """The config with this dtype and, where `depth` is given, that number of layers.

    `origins` says which layer of the config each layer comes from. What the config lists per layer follows
    them; without them it stays only if all layers are alike.
    """
    assert depth is None or origins is None or len(origins) == depth, f"{depth} layers of {origins}"
    changed = dict(config) if depth is None else _with_depth(config, depth, origins)
    # The dtype is told under the key that the config uses: `torch_dtype` before transformers 5.
    keys = [key for key in ("dtype", "torch_dtype") if key in config] or ["dtype"]
    return {**changed, **dict.fromkeys(keys, dtype)}


def _with_depth(config: Mapping[str, Any], depth: int, origins: Sequence[int] | None) -> dict[str, Any]:
    """Change the text part of models of several kinds of input, and the whole where it tells the depth."""
    text, changed = config.get("text_config"), dict(config)
    if text:
        changed["text_config"] = _restacked(text, depth, origins)
    if not text or _fields(config):
        changed = _restacked(changed, depth, origins)
    return changed


def _restacked(config: Mapping[str, Any], depth: int, origins: Sequence[int] | None) -> dict[str, Any]:
    stays = origins is None or list(origins) == list(range(depth))
    fields = _fields(config)
    if fields and stays and config[fields[0]] == depth:
        return dict(config)
    full = _completed(config)
    fields = fields or _fields(full) or [_DEPTH[0]]
    old = full.get(fields[0])
    if stays and old == depth:
        return dict(config)
    changed = {**config, **dict.fromkeys(fields, depth)}
    if origins is None or old is None or max(origins, default=0) >= old:
        return _only_uniform(changed, config, depth, old)
    return {**changed, **_followed(full, origins, old)}


def _fields(config: Mapping[str, Any]) -> list[str]:
    return [field for field in _DEPTH if config.get(field) is not None]


def _followed(config: Mapping[str, Any], origins: Sequence[int], old: int) -> dict[str, Any]:
    """The config's lists about layers, for layers that come from these."""
    lists = {key: [config[key][origin] for origin in origins] for key in _per_layer(config, old)}
    for key in _LAYER_NUMBERS:
        if isinstance(config.get(key), list):
            lists[key] = [i for i, origin in enumerate(origins) if origin in config[key]]
    return lists


def _only_uniform(
    changed: dict[str, Any], config: Mapping[str, Any], depth: int, old: int | None
) -> dict[str, Any]:
    """Lists with one value are cut or made longer; others go, so that loaders derive them anew."""
    for key in _per_layer(config, old):
        values = config[key]
        if all(value == values[0] for value in values):
            changed[key] = values[:1] * depth
        else:
            del changed[key]
    return changed


def _per_layer(config: Mapping[str, Any], depth: int | None) -> list[str]:
    """Fields that hold one value per layer."""
    return [
        key
        for key, value in config.items()
        if isinstance(value, list) and value and len(value) == depth
        if key not in _OTHER_LISTS and "token_id" not in key
    ]


def _completed(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config with what transformers derives: its default depth, and lists from rules like "every sixth".

    Such a rule goes by a layer's place, and would be wrong for a layer that has been moved.
    """
    from transformers import AutoConfig  # takes seconds, and only stacked models need it

    given = {key: value for key, value in config.items() if value is not None}
    fields = {key: value for key, value in given.items() if key != "model_type"}
    try:
        derived = AutoConfig.for_model(config.get("model_type", ""), **fields).to_dict()
    except Exception:  # code of its own, or newer than transformers: only what it says counts
        derived = {}
    return {**derived, **given}
