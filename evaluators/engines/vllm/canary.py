"""A candidate's answer to one short prompt in transformers' arithmetic, computed while its weights stream by.

An engine that has just been given the same weights must agree with it. No second copy of the model is ever
held: each module runs as soon as its tensors have arrived, and lets them go.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from queue import Queue
from threading import Thread
from typing import Any

import torch
from torch import Tensor

from evaluators.engines.architecture import COMPUTED, empty_model
from evaluators.engines.breakdown import one_line

_AHEAD = 8
"""Tensors that may wait for the forward pass: what a source yields out of order is kept on top of that."""

TOLERANCE = {"float32": 1e-3, "float16": 0.05, "bfloat16": 0.3}
"""Natural log. Two correct implementations differ by 1e-5 in float32, by up to 0.06 in bfloat16 (measured);
a layer, a head or an embedding of another model moves the log-probabilities more."""


class Shell:
    """An architecture without weights, and where each tensor of a checkpoint belongs in it."""

    def __init__(self, config: Any, dtype: torch.dtype, device: torch.device | str = "cpu") -> None:
        """Build it; memory for weights is reserved for a moment, never touched."""
        self.model = empty_model(config, dtype)
        self.dtype, self.device = dtype, torch.device(device)
        slots = self.model.state_dict(keep_vars=True)
        self.shapes = {name: tuple(slot.shape) for name, slot in slots.items()}
        first = {id(slot): name for name, slot in reversed(slots.items())}
        self.alias = {name: first[id(slot)] for name, slot in slots.items()}
        """Each name with the first name of the same tensor: tied tensors have several names."""
        self._places = self._emptied(first)
        self.model.to(self.device)  # What is left are tables that the model computes.

    def _emptied(self, first: dict[int, str]) -> dict[Any, list[tuple[dict[str, Any], str, str]]]:
        places: dict[Any, list[tuple[dict[str, Any], str, str]]] = {}
        for module in self.model.modules():
            for kept in (module._parameters, module._buffers):
                for attribute, slot in kept.items():
                    if id(slot) in first:
                        places.setdefault(module, []).append((kept, attribute, first[id(slot)]))
        for found in places.values():
            for kept, attribute, _ in found:
                kept[attribute] = None
        return places

    def answer(self, ids: list[int], inbox: Queue[tuple[str, Tensor] | None]) -> Tensor:
        """Log-probabilities of the token after `ids`; tensors are taken from `inbox`, None ends them."""
        have: dict[str, Tensor] = {}
        uses: dict[str, int] = {}
        for found in self._places.values():
            for *_, name in found:
                uses[name] = uses.get(name, 0) + 1

        def fill(module: Any, _: object) -> None:
            for kept, attribute, name in self._places[module]:
                while name not in have:
                    arrived = inbox.get()
                    if arrived is None:
                        inbox.put(None)
                        raise EOFError(f"{name} did not arrive")
                    have[self.alias.get(arrived[0], arrived[0])] = arrived[1]
                tensor = have[name].to(self.device)
                tensor = tensor.to(self.dtype) if tensor.is_floating_point() else tensor
                kept[attribute] = torch.nn.Parameter(tensor, requires_grad=False)

        def empty(module: Any, *_: object) -> None:
            for kept, attribute, name in self._places[module]:
                kept[attribute] = None
                uses[name] -= 1
                if not uses[name]:
                    del have[name]

        handles = [module.register_forward_pre_hook(fill) for module in self._places]
        handles += [module.register_forward_hook(empty) for module in self._places]
        try:
            with torch.inference_mode():
                logits = self.model(input_ids=torch.tensor([ids], device=self.device), use_cache=False).logits
                logprobs: Tensor = logits[0, -1].float().log_softmax(dim=-1).cpu()
                return logprobs
        finally:
            for handle in handles:
                handle.remove()
            for found in self._places.values():
                for kept, attribute, _ in found:
                    kept[attribute] = None


class Forward:
    """The shell's answer, computed in a thread that runs along with whoever reads the tensors."""

    def __init__(self, shell: Shell, ids: list[int]) -> None:
        self._shell, self._ids = shell, ids
        self._inbox: Queue[tuple[str, Tensor] | None] = Queue(_AHEAD)
        self._order = _in_order(shell.device)
        self._thread = Thread(target=self._run, daemon=True)
        self.logprobs: Tensor | None = None
        self.problem = ""
        """Why there is no answer; empty as long as nothing went wrong."""
        self._thread.start()

    def see(self, name: str, tensor: Tensor) -> None:
        """Show a tensor to the forward pass; waits while it is behind."""
        if not name.endswith(COMPUTED):
            self._inbox.put((name, tensor))

    def end(self) -> None:
        """Say that there are no more tensors, and wait for the answer."""
        self._inbox.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            with self._order:
                self.logprobs = self._shell.answer(self._ids, self._inbox)
        except Exception as error:  # An architecture that cannot run so is reported, not fatal.
            self.problem = one_line(error)
        for _ in self._rest():
            pass

    def _rest(self) -> Iterator[object]:
        """Take what is still sent, so that the sender never waits for a pass that is over."""
        with suppress(EOFError):
            while (arrived := self._inbox.get()) is not None:
                yield arrived


def _in_order(device: torch.device) -> AbstractContextManager[object]:
    """For another thread: on a GPU, this thread's stream, where tensors are written before they are read.

    vLLM gives its own thread a stream of its own, which waits for no other.
    """
    if device.type != "cuda":
        return nullcontext()
    return torch.cuda.stream(torch.cuda.current_stream(device))


def canary_ids(vocabulary: int, length: int) -> list[int]:
    """A prompt of different tokens from all over the vocabulary, the same for every candidate."""
    return [(7919 * i + 5) % vocabulary for i in range(length)]
