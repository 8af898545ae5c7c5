"""The seams of an engine: weights go in by name, prompts go in as text, completions come out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch


class WeightSource(Protocol):
    """A model's weights: each iteration yields every (name, tensor) once, named as in its checkpoint."""

    def __iter__(self) -> Iterator[tuple[str, torch.Tensor]]: ...


class Restacked(WeightSource, Protocol):
    """Weights whose layers may be others than the engine's own, or more, or fewer.

    An engine asks every source for `stacked_as`; most have none.
    """

    @property
    def stacked_as(self) -> Mapping[str, Any] | None:
        """What the model's `config.json` would say; None where it is the engine's own."""
        ...


def stacked_as(source: WeightSource) -> Mapping[str, Any] | None:
    """What a source states of a model with other layers than the engine's own; None for the engine's own."""
    config: Mapping[str, Any] | None = getattr(source, "stacked_as", None)
    return config


@dataclass(frozen=True)
class Completion:
    """A greedy answer, cut at the first stop string, and how many tokens it took."""

    text: str
    tokens: int


@dataclass(frozen=True)
class Likelihood:
    """How likely a model finds a continuation of its context."""

    logprob: float
    """Natural log, summed over the continuation's tokens: at most 0, and finite."""
    tokens: int
    """Of the continuation; at least 1."""
    greedy: bool
    """Each of its tokens is the model's first choice."""


@dataclass(frozen=True)
class Likeliest:
    """What a model says at every token of a response of n tokens: plain data, row by row.

    Row i is the distribution from which token i is drawn: what the model says before it.
    """

    ids: list[list[int]]
    """[n][k], likeliest first."""
    logprobs: list[list[float]]
    """[n][k], natural logarithms."""
    own: list[float]
    """[n], of the tokens that came."""


class Engine(Protocol):
    """Holds one architecture; its weights are swapped in place, candidate after candidate."""

    @property
    def description(self) -> str:
        """What besides the weights determines an answer, e.g. `transformers/float32`; digests hold it."""
        ...

    @property
    def context(self) -> int:
        """How many tokens a prompt and its answer share."""
        ...

    def load(self, source: WeightSource) -> None:
        """Replace all weights; any error, the source's own included, leaves the engine without weights.

        Raises EngineError for a tensor that is missing, unknown, misshapen or not finite.
        """
        ...

    def generate(self, prompts: Sequence[str], stop: Sequence[str], max_tokens: int) -> list[Completion]:
        """Answer every prompt greedily, in order; raises EngineError when any cannot be answered."""
        ...

    def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> list[Likelihood]:
        """Score (context, continuation) pairs, in order, split into tokens as `encoding.encode_pairs` does.

        A pair beyond the context loses its beginning. Raises EngineError when any cannot be scored, for
        instance because its continuation has no token of its own.
        """
        ...

    def close(self) -> None:
        """Give memory and processes back; the engine then refuses every call. Closing twice is no error."""
        ...
