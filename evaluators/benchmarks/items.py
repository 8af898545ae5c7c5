"""An item: one question of a task, as a model is asked it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Item:
    """One question: its 0-based row in the task's data, the prompt that a model gets, and the row itself."""

    index: int
    prompt: str
    doc: Mapping[str, Any]
    choices: tuple[str, ...] = ()
    """Continuations to compare, with lm-eval's leading delimiter; none where the answer is generated."""
    right: int | None = None
    """Which choice is right."""
    gold: str = ""
    """The right continuation as text, delimiter included: the right choice, or the task's worked answer."""
