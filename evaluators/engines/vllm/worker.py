"""What runs inside vLLM's workers: it makes the candidate there, loads it, and proves that it arrived.

vLLM mixes `Extension` into its worker class (`worker_extension_cls`), so its methods can be called by name
over `collective_rpc`. Arguments and results are strings, numbers and lists: vLLM's messages carry no tensors.
Every worker imports this module before it builds its model, and nothing else does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor
from vllm.platforms import current_platform

from evaluators.engines.architecture import COMPUTED, check_tensor, open_config, some
from evaluators.engines.breakdown import UNLOADED, give_back, one_line, recognised
from evaluators.engines.lifeline import die_with_parent
from evaluators.engines.packing import pack, unpack
from evaluators.engines.vllm.canary import Forward, Shell
from evaluators.engines.vllm.checksums import Sums, held, sum_of
from evaluators.errors import EngineError, NotFinite

_LAYER = re.compile(r"^.*?\.\d+(?=\.)")


def prepare_cpu() -> None:
    """Let vLLM's CPU backend read weights where they lie, as on a GPU, and compile nothing of its own.

    Its stock linear layers pack a copy of their weight: that cannot be written in place, and a head tied to
    the embedding keeps answering from the first candidate's copy.
    """
    import vllm.model_executor.layers.utils as layers

    layers.dispatch_cpu_unquantized_gemm = _plain_linear
    # vLLM compiles the ranking of log-probabilities: 12 s, once per process, for a few microseconds.
    torch.compiler.set_stance("force_eager")


def _plain_linear(layer: Any, remove_weight: bool) -> None:
    layer.cpu_linear = torch.nn.functional.linear


class Extension:
    """The methods that vLLM's worker gets from us."""

    def crucible_prepare(self, folder: str, canary: list[int]) -> None:
        """Make ready to load: `folder` has the config, `canary` is the prompt that proves each load."""
        die_with_parent()
        worker: Any = self
        self._crucible_config = open_config(Path(folder))
        self._crucible_canary = canary
        self._crucible_shell = Shell(self._crucible_config, worker.model_config.dtype, worker.device)

    def crucible_load(self, packed: str) -> dict[str, Any]:
        """Write a source's weights into the running model.

        Returns the checksums of what was sent and of what the model holds now, the canary's answer outside
        vLLM (on the first worker only), and what went wrong, if anything did.
        """
        worker: Any = self
        began = perf_counter()
        first = worker.rank == 0
        loading = _Loading(self._crucible_shell, self._crucible_canary if first else [])
        try:
            source = unpack(packed)
            if hasattr(source, "on"):  # merge where the model is
                source = source.on(str(worker.device))
            with torch.compiler.set_stance("default"):  # a merge knows when compiling pays
                worker.reload_weights(weights_iterator=loading.pass_on(source))
        except Exception as error:
            return {"broken": one_line(error)}
        finally:
            loading.end()
        if loading.failure is not None:
            return {"failure": _packed_error(loading.failure)}
        model = worker.model_runner.get_model()
        parallel = worker.parallel_config.tensor_parallel_size
        return {
            "sent": loading.sums if first else {},
            "held": held(model, worker.model_config.dtype, worker.rank % parallel, _group),
            "seconds": {"merge": loading.merging, "swap": perf_counter() - began - loading.merging},
            **loading.answer(),
        }


class _Loading:
    """One pass over a source: what it yields is checked, summed, shown to the canary and handed to vLLM."""

    def __init__(self, shell: Shell, canary: list[int]) -> None:
        self.shell = shell
        self.sums: Sums = {}
        self.failure: Exception | None = None
        self.merging = 0.0
        """Seconds that the source took to make its tensors."""
        self._seen: dict[str, int] = {}
        self._forward = Forward(shell, canary) if canary else None

    def pass_on(self, source: Any) -> Iterator[tuple[str, Tensor]]:
        """The source's tensors; one that fails just ends, for vLLM must finish what it has begun."""
        try:
            for name, tensor in self._timed(source):
                if name.endswith(COMPUTED):
                    continue
                self._check(name, tensor)
                if self._forward is not None:
                    self._forward.see(name, tensor)
                yield name, tensor
            lacking = {self.shell.alias[name] for name in self.shell.shapes} - self._seen.keys()
            if lacking:
                raise EngineError(f"the weights lack {some(lacking)}; the model would run on leftovers")
        except Exception as error:
            self.failure = error

    def _timed(self, source: Any) -> Iterator[tuple[str, Tensor]]:
        began = perf_counter()
        for named in source:
            self.merging += perf_counter() - began
            yield named
            began = perf_counter()
        self.merging += perf_counter() - began

    def end(self) -> None:
        """No more tensors will come."""
        if self._forward is not None:
            self._forward.end()

    def answer(self) -> Mapping[str, Any]:
        """The likeliest tokens after the canary prompt and their log-probabilities, or why there are none."""
        if self._forward is None:
            return {}
        if self._forward.logprobs is None:
            return {"mute": self._forward.problem}
        best = self._forward.logprobs.topk(min(8, len(self._forward.logprobs)))
        return {"tokens": best.indices.tolist(), "logprobs": best.values.tolist()}

    def _check(self, name: str, tensor: Tensor) -> None:
        check_tensor(self.shell.shapes, name, tensor)
        tensor = tensor.to(self.shell.dtype)
        if not torch.isfinite(tensor).all():
            raise NotFinite(f"tensor '{name}' holds NaN or Inf; no model answers from it")
        one, slot = sum_of(tensor), self.shell.alias[name]
        if slot not in self._seen:
            self._seen[slot] = one
            self.sums[_group(slot)] = self.sums.get(_group(slot), 0) + one
        elif self._seen[slot] != one:
            raise EngineError(f"tensor '{name}' differs from the one that the model ties it to")


def _group(name: str) -> str:
    """A tensor's layer, else its own name: vLLM fuses tensors, never across layers."""
    found = _LAYER.match(name)
    return found.group() if found else name


def _packed_error(error: Exception) -> str:
    if not isinstance(error, EngineError) and (known := recognised(error, UNLOADED)) is not None:
        give_back(error)
        error = known
    try:
        text = pack(error)
        unpack(text)
        return text
    except Exception:
        return pack(EngineError(one_line(error)))


if current_platform.is_cpu():
    prepare_cpu()
