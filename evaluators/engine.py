"""The seams of an engine: weights go in by name, prompts go in as text, completions come out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch


class WeightSource(Protocol):
    """A model's weights: each iteration yields every (name, tensor) once, named as in its checkpoint."""

    def __iter__(self) -> Iterator[tuple[str, torch.Tensor]]: ...


@dataclass(frozen=True)
class Completion:
    """A greedy answer, cut at the first stop string, and how many tokens it took."""

    text: str
    tokens: int


class Engine(Protocol):
    """Holds one architecture; its weights are swapped in place, candidate after candidate."""

    @property
    def description(self) -> str:
        """What besides the weights determines an answer, e.g. `transformers/float32`; digests hold it."""
        ...

    def load(self, source: WeightSource) -> None:
        """Replace all weights; any error, the source's own included, leaves the engine without weights."""
        ...

    def generate(self, prompts: Sequence[str], stop: Sequence[str], max_tokens: int) -> list[Completion]:
        """Answer every prompt greedily, in order; raises EngineError when any cannot be answered."""
        ...

    def close(self) -> None:
        """Give memory and processes back; the engine cannot be used afterwards."""
        ...
