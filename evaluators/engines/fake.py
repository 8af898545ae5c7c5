"""The fake engine: no model at all, only what an engine promises, for dry runs and for tests.

It speaks one character at a time. Which one comes next is drawn from a hash of the weights and of the last
few characters, so it answers at once, always alike, and other weights answer otherwise. An accuracy that it
reaches means nothing; its description says `fake`, and evidence is filed under that.
"""

from __future__ import annotations

import math
import string
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from evaluators.engines.encoding import Cuts, cut_at_stop, keep_last, move_spaces
from evaluators.engines.engine import Completion, Likelihood, WeightSource, stacked_as
from evaluators.errors import EngineError, NotFinite

if TYPE_CHECKING:
    import torch

ALPHABET = string.ascii_lowercase + string.digits + " .\n"
MEMORY = 8
"""Characters that the next one depends on."""
END = ""
OTHERS = 0x110000
"""Characters that share the probability which the first choice leaves."""


class FakeEngine:
    """An Engine without a model, whose tokens are characters."""

    def __init__(
        self, answers: Mapping[str, str] | None = None, context: int = 4096, seconds: float = 0.0
    ) -> None:
        """`answers` says what certain prompts are answered with, whatever the weights are.

        `seconds` are slept before each batch, however large. The first weights that are loaded say what
        tensors the architecture has.
        """
        self.context = context
        self._seconds = seconds
        self._answers = dict(answers or {})
        self._shapes: dict[str, tuple[int, ...]] | None = None
        self._weights: str | None = None
        self._cuts = Cuts()
        self._closed = False

    @property
    def description(self) -> str:
        """`fake`, with a hash of the given answers where there are any."""
        return "/".join(["fake", _hash(*sorted(self._answers.items()))[:12]] if self._answers else ["fake"])

    def load(self, source: WeightSource) -> None:
        """Read and hash every tensor.

        Raises EngineError for tensors unlike those that were loaded first, unless the source states a model
        of its own, and for NaN or Inf.
        """
        from evaluators.engines.breakdown import UNLOADED, told_apart  # torch, which answering does without

        self._weights = None
        if self._closed:
            raise EngineError("the engine is closed")
        digests, shapes = {}, {}
        with told_apart(UNLOADED):
            for name, tensor in source:
                shapes[name] = tuple(tensor.shape)
                digests[name] = _digest(name, tensor)
        if stacked_as(source) is None:
            _check(self._shapes or shapes, shapes)
            self._shapes = shapes
        self._weights = _hash(*sorted(digests.items()))

    def generate(self, prompts: Sequence[str], stop: Sequence[str], max_tokens: int) -> list[Completion]:
        """The answers given for these prompts, else characters by hash; a token is a character."""
        self._check_loaded()
        time.sleep(self._seconds)
        kept = keep_last([list(prompt) for prompt in prompts], self.context, max_tokens, self._cuts)
        return [self._answer("".join(prompt), stop, max_tokens) for prompt in kept]

    def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> list[Likelihood]:
        """How likely this engine is to go on so: character by character, with the answers that were given."""
        self._check_loaded()
        time.sleep(self._seconds)
        moved = [move_spaces(context, continuation) for context, continuation in pairs]
        self._cuts.see("pairs", [len(context) + len(text) for context, text in moved], self.context)
        return [self._score(context, text) for context, text in moved]

    def close(self) -> None:
        """Forget the weights."""
        self._weights, self._closed = None, True

    def _check_loaded(self) -> None:
        if self._weights is None:
            raise EngineError("no weights are loaded; the last load failed or there was none")

    def _answer(self, prompt: str, stop: Sequence[str], max_tokens: int) -> Completion:
        said: list[str] = []
        text = ""
        while len(said) < max_tokens:
            said.append(self._next(prompt, text)[0])
            text += said[-1]
            if said[-1] == END or any(string and string in text for string in stop):
                break
        return Completion(cut_at_stop(text, [string for string in stop if string]), len(said))

    def _score(self, context: str, text: str) -> Likelihood:
        if not text:
            raise EngineError(f"the continuation has no token of its own after {context[-40:]!r}")
        if len(text) >= self.context:
            raise EngineError(f"a continuation of {len(text)} tokens does not fit in {self.context - 1}")
        context = context[max(0, len(context) + len(text) - self.context) :]
        choices = [self._next(context, text[:i]) for i in range(len(text))]
        shares = [
            share if loud == character else (1 - share) / OTHERS
            for character, (loud, share) in zip(text, choices, strict=True)
        ]
        greedy = all(loud == character for character, (loud, _) in zip(text, choices, strict=True))
        return Likelihood(sum(map(math.log, shares)), len(text), greedy)

    def _next(self, prompt: str, text: str) -> tuple[str, float]:
        """The likeliest character (or END) after `prompt` and the `text` answered so far; its probability."""
        seed = sha256(
            f"{self._weights}\n{(prompt + text)[-MEMORY:]}".encode("utf-8", "surrogatepass")
        ).digest()
        share = 0.25 + seed[0] / 512
        given = self._answers.get(prompt)
        if given is not None and given.startswith(text):
            return given[len(text) : len(text) + 1], share
        choice = int.from_bytes(seed[1:5], "big") % (4 * len(ALPHABET) + 1) // 4
        return (ALPHABET[choice] if choice < len(ALPHABET) else END), share


def _digest(name: str, tensor: torch.Tensor) -> str:
    import torch

    if not torch.isfinite(tensor).all():
        raise NotFinite(f"tensor '{name}' holds NaN or Inf; no model answers from it")
    content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return sha256(content.tobytes()).hexdigest()


def _check(known: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]) -> None:
    if missing := sorted(known.keys() - found.keys()):
        raise EngineError(f"the weights lack {missing[0]}; the model would run on leftovers")
    if unknown := sorted(found.keys() - known.keys()):
        raise EngineError(
            f"the model has no tensor '{unknown[0]}'; are these weights of another architecture?"
        )
    for name, shape in found.items():
        if shape != known[name]:
            raise EngineError(f"tensor '{name}': the model expects shape {known[name]}, found {shape}")


def _hash(*parts: object) -> str:
    return sha256(repr(parts).encode()).hexdigest()
