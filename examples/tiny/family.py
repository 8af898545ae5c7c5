"""The two families of tiny models: how each reads text, and how an untrained model of it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import checkpoint
import qwen
from transformers import PreTrainedModel, PreTrainedTokenizerFast


@dataclass(frozen=True)
class Family:
    """An architecture with its tokenizer, and how long each of its models is trained."""

    build_tokenizer: Callable[[], PreTrainedTokenizerFast]
    build_model: Callable[[], PreTrainedModel]
    mixture: dict[str, float]
    """Shares of the tasks in the base's training."""
    base_steps: int
    expert_rounds: dict[str, tuple[int, ...]]
    """Steps of each round of fine-tuning, by the expert's task."""


LLAMA = Family(
    checkpoint.build_tokenizer,
    checkpoint.build_model,
    {"gsm8k": 0.38, "math": 0.46, "code": 0.16},
    1000,
    {"gsm8k": (500,), "math": (900, 600), "code": (500,)},  # math, the widest task, gets a second round
)
QWEN = Family(
    qwen.build_tokenizer,
    qwen.build_model,
    {"gsm8k": 0.3, "math": 0.65, "code": 0.05},
    400,
    {"gsm8k": (400,), "math": (900, 300, 800, 600)},
)
FAMILIES = {"llama": LLAMA, "qwen": QWEN}
