"""What a model folder says of its architecture, read the same way by every engine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig
from transformers.initialization import no_init_weights

from evaluators.errors import EngineError

COMPUTED = "rotary_emb.inv_freq"
"""Old checkpoints carry it; models compute it."""

_NOT_GREEDY = {"do_sample", "temperature", "top_p", "top_k", "min_p", "typical_p"}
_LENGTHS = {"max_length", "max_new_tokens"}


def open_config(folder: Path) -> Any:
    """The folder's config; no code of its own is run. Raises what transformers raises where there is none."""
    return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def restacked_config(own: Any, stated: Mapping[str, Any]) -> Any:
    """The config of a model like one's own but for its layers, as its `config.json` states it.

    Raises what transformers raises where that means no model.
    """
    return type(own).from_dict(dict(stated))


def empty_model(config: Any, dtype: torch.dtype) -> Any:
    """The architecture on the CPU, in evaluation mode; its weights are whatever the memory held."""
    with no_init_weights():
        model = AutoModelForCausalLM.from_config(config, dtype=dtype, trust_remote_code=False)
    model.tie_weights()  # Left out together with the initial weights.
    return model.eval()


def foreign_tensor(folder: Path, names: Iterable[str]) -> str | None:
    """Why weights of these names are not those of the folder's causal model; None where they are.

    The architecture is laid out without memory. Raises what transformers raises where there is no config.
    """
    config = open_config(folder)
    try:
        with torch.device("meta"):
            known = AutoModelForCausalLM.from_config(config, trust_remote_code=False).state_dict()
    except ValueError:
        return f"transformers has no causal model of model_type {config.model_type!r}"
    strange = sorted(name for name in names if name not in known and not name.endswith(COMPUTED))
    return f"transformers' causal model has no {strange[0]}" if strange else None


def choose_dtype(name: str, config: Any, on_cpu: bool) -> torch.dtype:
    """What an engine computes in; raises EngineError for a name that is no floating-point dtype."""
    if name == "auto":
        return torch.float32 if on_cpu else (config.dtype or torch.bfloat16)
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise EngineError(f"engine dtype '{name}' is none; write auto, float32, bfloat16 or float16")
    return dtype


def greedy_config(folder: Path, default: GenerationConfig) -> GenerationConfig:
    """The checkpoint's generation config without its sampling (a repetition penalty stays, as in lm-eval)."""
    stored = folder / "generation_config.json"
    fields = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else default.to_diff_dict()
    return GenerationConfig(**{k: v for k, v in fields.items() if k not in _NOT_GREEDY | _LENGTHS})


def check_tensor(shapes: Mapping[str, Sequence[int]], name: str, tensor: torch.Tensor) -> None:
    """Raise EngineError for a tensor that the model does not have, or has in another shape."""
    if name not in shapes:
        raise EngineError(f"the model has no tensor '{name}'; are these weights of another architecture?")
    expected, found = tuple(shapes[name]), tuple(tensor.shape)
    if expected != found:
        raise EngineError(f"tensor '{name}': the model expects shape {expected}, found {found}")


def some(names: Any) -> str:
    """A few of the names, sorted, and how many more there are."""
    names = sorted(names)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
