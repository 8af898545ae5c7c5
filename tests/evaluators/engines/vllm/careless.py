"""vLLM's process with one of its precautions taken out, as the environment names it: what tests look for."""

from __future__ import annotations

import os
from typing import Any

from evaluators.engines.vllm import process as vllm_process
from evaluators.errors import EngineError


def main() -> None:
    {"cache": _keep_the_cache, "head": _pack_the_head}[os.environ["CARELESS"]]()
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
