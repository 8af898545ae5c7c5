"""A source that is asked in this process, through transformers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from merging.errors import CheckpointError, DataError
from merging.fusion.distributions.data import Top

Request = tuple[NDArray[np.int32], NDArray[np.int32]]
"""A prompt's tokens, at least one, and a response's."""

LOGITS = 1 << 28
"""Bytes of logits that one batch may make in float32, if it has more than one request."""
_CHUNK = 1 << 26
"""Bytes of them that are ranked at a time."""
_LENGTHS = ("n_positions", "max_position_embeddings", "n_ctx")


class Teacher(Protocol):
    """A source's distributions over its own tokens, on demand."""

    @property
    def description(self) -> str:
        """What besides the weights determines an answer, e.g. `transformers/float32`."""
        ...

    def __call__(self, requests: Sequence[Request], k: int) -> list[Top]:
        """The likeliest `k` tokens at every response token, in the order of the requests."""
        ...


@dataclass(frozen=True)
class TransformersTeacher:
    """A checkpoint in `folder`, which is loaded when it is first asked.

    `dtype` auto is float32 on a CPU and the checkpoint's own elsewhere; log-probabilities are float32 always.
    """

    folder: Path
    dtype: str = "auto"
    device: str = field(default_factory=lambda: "cuda" if torch.cuda.is_available() else "cpu")
    batch_size: int = 32

    @property
    def description(self) -> str:
        """The engine and its arithmetic, e.g. `transformers/float32`."""
        return f"transformers/{str(self._dtype).removeprefix('torch.')}"

    def __call__(self, requests: Sequence[Request], k: int) -> list[Top]:
        """The likeliest `k` tokens at every response token, in the order of the requests.

        Row i is what the model says after the prompt and i response tokens: what token i is drawn from.

        Raises:
            CheckpointError: the folder is no model that transformers loads, or its logits are not finite.
            DataError: a request is longer than the model's context.
        """
        self._check(requests)
        found: dict[int, Top] = {}
        for batch in _batches(requests, self.batch_size, self.model.config.get_text_config().vocab_size):
            found.update(zip(batch, self._ask([requests[i] for i in batch], k), strict=True))
        return [found[i] for i in range(len(requests))]

    @cached_property
    def model(self) -> Any:
        """The model in evaluation mode, on its device."""
        from transformers import AutoModelForCausalLM

        local = {"local_files_only": True, "trust_remote_code": False}
        with _readable(self.folder), _no_bars():
            model = AutoModelForCausalLM.from_pretrained(self.folder, dtype=self._dtype, **local)
        return model.to(self.device).eval()

    @cached_property
    def context(self) -> int | None:
        """How many tokens the model reads, as far as its config says."""
        text = self._config.get_text_config()
        return next((int(n) for name in _LENGTHS if (n := getattr(text, name, None))), None)

    @cached_property
    def _config(self) -> Any:
        from transformers import AutoConfig

        with _readable(self.folder):
            return AutoConfig.from_pretrained(self.folder, local_files_only=True, trust_remote_code=False)

    @cached_property
    def _dtype(self) -> torch.dtype:
        if self.dtype == "auto":
            on_cpu = torch.device(self.device).type == "cpu"
            return torch.float32 if on_cpu else (self._config.dtype or torch.bfloat16)
        dtype = getattr(torch, self.dtype, None)
        if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
            raise DataError(f"dtype '{self.dtype}' is none; write auto, float32, bfloat16 or float16")
        return dtype

    def _check(self, requests: Sequence[Request]) -> None:
        assert all(len(prompt) for prompt, _ in requests), "a response is drawn after at least one token"
        longest = max((len(prompt) + len(response) for prompt, response in requests), default=0)
        if self.context is not None and longest > self.context + 1:  # the last token is not read
            raise DataError(
                f"{self.folder}: an example has {longest} tokens, but the model reads {self.context}; lower"
                " max_length"
            )

    @torch.inference_mode()
    def _ask(self, requests: Sequence[Request], k: int) -> list[Top]:
        """One forward pass, padded on the right, where a causal model never looks from what it is asked."""
        sequences = [np.concatenate(request)[:-1] for request in requests]
        first = min(len(prompt) for prompt, _ in requests) - 1
        ids = np.zeros((len(requests), max(map(len, sequences))), np.int64)
        for row, sequence in zip(ids, sequences, strict=True):
            row[: len(sequence)] = sequence
        keep = self._keep(ids.shape[1] - first)
        logits = self.model(
            input_ids=torch.from_numpy(ids).to(self.model.device), use_cache=False, **keep
        ).logits[:, first - ids.shape[1] :]
        return [
            self._top(logits[i, len(prompt) - 1 - first :][: len(response)], response, k)
            for i, (prompt, response) in enumerate(requests)
        ]

    def _keep(self, count: int) -> dict[str, int]:
        """The positions whose logits are wanted, the last `count`, for models that can leave out the rest."""
        known = "logits_to_keep" in signature(self.model.forward).parameters
        return {"logits_to_keep": count} if known else {}

    def _top(self, logits: torch.Tensor, response: NDArray[np.int32], k: int) -> Top:
        rows = max(1, _CHUNK // (4 * logits.shape[1]))
        gold = torch.from_numpy(response.astype(np.int64)).to(logits.device)
        places = range(0, len(gold), rows)
        parts = [rank(logits[i : i + rows].float(), gold[i : i + rows], k) for i in places]
        if not all(torch.isfinite(part[3]).all() for part in parts):
            raise CheckpointError(f"{self.folder}: its logits are NaN or Inf; use a sound copy or float32")
        ids, logprobs, tail, own = (torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True))
        return Top(ids.astype(np.int32), logprobs, tail, own)


def rank(logits: torch.Tensor, gold: torch.Tensor, k: int) -> tuple[torch.Tensor, ...]:
    """Ids [n, k], log-probabilities [n, k], tail [n] and gold [n] of float32 logits [n, V], V at least 1.

    The tail is summed from what lies in it: one minus the rest has no digits where the rest is nearly all.
    """
    whole = logits.logsumexp(dim=1)
    best = logits.topk(min(k, logits.shape[1]), dim=1)
    own = logits.gather(1, gold[:, None])[:, 0] - whole
    tail = logits.scatter(1, best.indices, -torch.inf).logsumexp(dim=1) - whole
    return best.indices, best.values - whole[:, None], tail, own


def top_of(ids: ArrayLike, logprobs: ArrayLike, gold: ArrayLike) -> Top:
    """A Top from log-probabilities [n, k] of ids [n, k] and of what came [n], likeliest first.

    For engines that tell no more: the tail is what they leave of one, to float32's precision.
    """
    said = np.asarray(logprobs, np.float64)
    with np.errstate(divide="ignore"):
        tail = np.log(np.maximum(0.0, 1.0 - np.exp(said).sum(axis=1)))
    return Top(
        np.asarray(ids, np.int32),
        said.astype(np.float32),
        tail.astype(np.float32),
        np.asarray(gold, np.float32),
    )


def _batches(requests: Sequence[Request], size: int, vocabulary: int) -> Iterator[list[int]]:
    """Positions of requests that are asked together: alike in length, and within the memory for logits."""
    order = sorted(range(len(requests)), key=lambda i: -sum(map(len, requests[i])))
    batch: list[int] = []
    for i in order:
        first = min(len(requests[j][0]) for j in (*batch, i))
        width = sum(map(len, requests[(batch or [i])[0]])) - first
        if batch and (len(batch) == size or (len(batch) + 1) * width * vocabulary * 4 > LOGITS):
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    """Says in one line which folder transformers could not load."""
    try:
        yield
    except (OSError, ValueError, KeyError, ImportError, AttributeError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"{folder}: no model that transformers loads ({reason}); check the folder"
        ) from error


@contextmanager
def _no_bars() -> Iterator[None]:
    """Loading shows no progress of its own: whoever asks shows it."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
