"""vLLM's process with one of its precautions taken out, as the environment names it: what tests look for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from evaluators.engines.vllm import process as vllm_process
from evaluators.errors import EngineError


def main() -> None:
    {"cache": _keep_the_cache, "head": _pack_the_head, "memory": _run_out_once}[os.environ["CARELESS"]]()
    vllm_process.main()


def _keep_the_cache() -> None:
    """Never reset the prefix cache; a canary that is off only complains."""
    from vllm.v1.engine.llm_engine import LLMEngine

    LLMEngine.reset_prefix_cache = lambda *_, **__: True
    sing = vllm_process.Server._sing

    def complain(server: vllm_process.Server, expected: dict[str, Any]) -> dict[str, Any]:
        try:
            return sing(server, expected)
        except EngineError as error:
            return {"mute": str(error)}

    vllm_process.Server._sing = complain


def _pack_the_head() -> None:
    """Let the stock CPU backend pack its own copy of the output head."""
    import vllm.model_executor.layers.utils as layers
    from vllm.model_executor.layers.vocab_parallel_embedding import VocabParallelEmbedding

    stock = layers.dispatch_cpu_unquantized_gemm
    import evaluators.engines.vllm.worker  # noqa: F401  it takes plain linears

    plain = layers.dispatch_cpu_unquantized_gemm

    def dispatch(layer: Any, remove_weight: bool) -> None:
        (stock if isinstance(layer, VocabParallelEmbedding) else plain)(layer, remove_weight)

    layers.dispatch_cpu_unquantized_gemm = dispatch


def _run_out_once() -> None:
    """Find the memory full as often as a file is there, which is removed."""
    ask = vllm_process.Server.ask

    def full(server: vllm_process.Server, requests: Sequence[vllm_process.Ask]) -> list[vllm_process.Said]:
        mark = Path(os.environ["CARELESS_MARK"])
        if mark.exists():
            mark.unlink()
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return ask(server, requests)

    vllm_process.Server.ask = full
