"""The transformers engine: one model in this process, whose weights are overwritten in place.

Its texts and log-likelihoods are those of lm-eval's `hf` model in the same dtype: same encoding, padding and
truncation, greedy under the checkpoint's own generation config, same cut at stop strings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from transformers import AutoTokenizer, StoppingCriteria, StoppingCriteriaList

from evaluators.engines.architecture import (
    COMPUTED,
    check_tensor,
    choose_dtype,
    empty_model,
    greedy_config,
    open_config,
    restacked_config,
    some,
)
from evaluators.engines.breakdown import UNLOADED, give_back, one_line, told, told_apart
from evaluators.engines.encoding import (
    Cuts,
    cut_at_stop,
    encode_pairs,
    encode_prompts,
    keep_last,
    stop_strings,
)
from evaluators.engines.engine import Completion, Likelihood, WeightSource, stacked_as
from evaluators.engines.likelihood import score_batch, to_rows
from evaluators.engines.reader import context_of
from evaluators.errors import EngineError, NotFinite

Request = TypeVar("Request")
Reply = TypeVar("Reply")

_SMALL = 20_000_000  # parameters


def runs_on_cpu() -> bool:
    """Whether an engine computes on the CPU unless told otherwise."""
    return not torch.cuda.is_available()


class TransformersEngine:
    """An Engine for every causal model that transformers knows by name (no remote code)."""

    def __init__(
        self, config_dir: Path, dtype: str = "auto", device: str | None = None, batch_size: int = 64
    ) -> None:
        """Build the architecture of `config_dir` once, without weights; `load` brings them.

        `dtype` auto is float32 on a CPU and the checkpoint's own elsewhere. Raises EngineError for a folder
        without a usable config or tokenizer.
        """
        self.device = torch.device(device or ("cpu" if runs_on_cpu() else "cuda"))
        self.batch_size = batch_size
        try:
            config = open_config(config_dir)
            local = {"local_files_only": True, "trust_remote_code": False}
            self.tokenizer = AutoTokenizer.from_pretrained(config_dir, **local)
            self.dtype = choose_dtype(dtype, config, self.device.type == "cpu")
            model = empty_model(config, self.dtype)
            model.generation_config = greedy_config(config_dir, model.generation_config)
        except (OSError, ValueError, KeyError, ImportError, AttributeError, TypeError) as error:
            raise EngineError(f"{config_dir}: no model or tokenizer to build ({one_line(error)})") from error
        if self.device.type == "cpu" and model.num_parameters() < _SMALL:
            # A step is over before a second thread has woken, and a busy machine makes the first one wait.
            torch.set_num_threads(1)
        self.model = model.to(self.device)
        self._own, self._generation = config, model.generation_config
        self._stated: Mapping[str, Any] | None = None
        self._closed = False
        self.context = context_of(config, self.tokenizer)
        self._pad = _pad_token(self.tokenizer)
        self._loaded = False
        self._cuts = Cuts()

    @property
    def description(self) -> str:
        """The engine and its arithmetic, e.g. `transformers/float32`."""
        return f"transformers/{str(self.dtype).removeprefix('torch.')}"

    def load(self, source: WeightSource) -> None:
        """Copy the source's tensors into the model in place; one with other layers is built anew first.

        Raises EngineError for a tensor that is missing, unknown, misshapen, not finite, or unlike the one it
        is tied to.
        """
        self._loaded = False
        if self._closed:
            raise EngineError("the engine is closed")
        with torch.no_grad(), told_apart(UNLOADED):
            self._restack(stacked_as(source))
            slots = self.model.state_dict(keep_vars=True)
            shapes = {name: slot.shape for name, slot in slots.items()}
            empty = {id(slot): name for name, slot in slots.items()}
            for name, tensor in source:
                if name.endswith(COMPUTED):
                    continue
                check_tensor(shapes, name, tensor)
                slot = slots[name]
                if empty.pop(id(slot), None):
                    slot.copy_(tensor)
                    if not torch.isfinite(slot).all():
                        raise NotFinite(f"tensor '{name}' holds NaN or Inf; no model answers from it")
                elif not torch.equal(slot, tensor.to(slot)):
                    raise EngineError(f"tensor '{name}' differs from the one that the model ties it to")
        if empty:
            raise EngineError(f"the weights lack {some(empty.values())}; the model would run on leftovers")
        self._loaded = True

    def generate(self, prompts: Sequence[str], stop: Sequence[str], max_tokens: int) -> list[Completion]:
        """Greedy answers of at most `max_tokens` tokens, in the order of the prompts.

        A prompt that leaves no room for the answer loses its beginning, as in lm-eval; that is logged once.
        """
        self._check_loaded()
        encoded = keep_last(encode_prompts(self.tokenizer, prompts), self.context, max_tokens, self._cuts)
        order = sorted(range(len(prompts)), key=lambda i: (-len(encoded[i]), prompts[i]))
        answer = partial(self._answer, stop=stop_strings(self.tokenizer, stop), max_tokens=max_tokens)
        return self._batched(encoded, order, answer)

    def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> list[Likelihood]:
        """How likely each continuation is after its context, in float32, in the order of the pairs.

        Pairs that differ in their last token only, as lettered choices do, are computed together.
        """
        self._check_loaded()
        encoded = encode_pairs(self.tokenizer, pairs)
        rows = to_rows(encoded, self.context, self._cuts)
        order = sorted(range(len(rows)), key=lambda i: (-len(rows[i].tokens), rows[i].tokens))
        scored = self._batched(rows, order, partial(score_batch, self.model, self._pad))
        found = {index: likelihood for row in scored for index, likelihood in row}
        return [found[i] for i in range(len(pairs))]

    def close(self) -> None:
        """Free the model's memory."""
        self._loaded, self._closed = False, True
        vars(self).pop("model", None)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _restack(self, stated: Mapping[str, Any] | None) -> None:
        """Build the model that a config states, None being the engine's own, unless it is the one at hand."""
        if stated == self._stated and "model" in vars(self):
            return
        vars(self).pop("model", None)  # two of them would need twice the memory
        try:
            config = self._own if stated is None else restacked_config(self._own, stated)
            model = empty_model(config, self.dtype)
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise EngineError(f"no model of these layers to build ({one_line(error)})") from error
        model.generation_config = self._generation
        self.model, self._stated = model.to(self.device), stated

    def _check_loaded(self) -> None:
        if not self._loaded:
            raise EngineError("no weights are loaded; the last load failed or there was none")

    def _batched(
        self,
        requests: Sequence[Request],
        order: Sequence[int],
        work: Callable[[list[Request]], list[Reply]],
    ) -> list[Reply]:
        """The replies in the order of the requests, which are worked on in batches in `order`."""
        replies: dict[int, Reply] = {}
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            try:
                found = work([requests[i] for i in batch])
            except (RuntimeError, IndexError, MemoryError) as error:
                give_back(error)
                raise told(error, "transformers could not answer") from error
            replies.update(zip(batch, found, strict=True))
        return [replies[i] for i in range(len(requests))]

    @torch.inference_mode()
    def _answer(self, encoded: Sequence[list[int]], stop: Sequence[str], max_tokens: int) -> list[Completion]:
        width = max(map(len, encoded))
        ids = torch.tensor([[self._pad] * (width - len(row)) + row for row in encoded], device=self.device)
        real = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in encoded], device=ids.device)
        new = self.model.generate(
            input_ids=ids,
            attention_mask=real,
            max_new_tokens=max_tokens,
            pad_token_id=self._pad,
            stopping_criteria=StoppingCriteriaList([_StopStrings(self.tokenizer, stop, width)]),
        )[:, width:]
        texts = self.tokenizer.batch_decode(new, skip_special_tokens=True)
        lengths = (new != self._pad).sum(dim=1).tolist()
        return [Completion(cut_at_stop(text, stop), n) for text, n in zip(texts, lengths, strict=True)]


class _StopStrings(StoppingCriteria):  # type: ignore[misc]
    """Ends the rows whose text holds a stop string, looking every few tokens: a look decodes them all."""

    EVERY = 8

    def __init__(self, tokenizer: Any, stop: Sequence[str], start: int) -> None:
        self.tokenizer, self.stop, self.start = tokenizer, stop, start
        self.done: torch.Tensor | None = None

    def __call__(self, input_ids: torch.Tensor, scores: object, **kwargs: object) -> torch.Tensor:
        new = input_ids[:, self.start :]
        if self.done is None:
            self.done = torch.zeros(len(new), dtype=torch.bool, device=new.device)
        if new.shape[1] % self.EVERY == 0:
            open_rows = (~self.done).nonzero().flatten()
            texts = self.tokenizer.batch_decode(new[open_rows], skip_special_tokens=True)
            hits = [any(string in text for string in self.stop) for text in texts]
            self.done[open_rows] = torch.tensor(hits, dtype=torch.bool, device=new.device)
        return self.done


def _pad_token(tokenizer: Any) -> int:
    ids = (tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.eos_token_id, 0)
    return next(int(i) for i in ids if i is not None)
