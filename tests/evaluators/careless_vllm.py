"""vLLM's process with one of its precautions taken out, as the environment names it: what tests look for."""

from __future__ import annotations

import os

from evaluators import vllm_process


def main() -> None:
    {
        "cache": _keep_the_cache,
        "cache and canary": lambda: (_keep_the_cache(), _no_canary()),
        "plain linears": _stock_linears,
    }[os.environ["CARELESS"]]()
    vllm_process.main()


def _keep_the_cache() -> None:
    from vllm.v1.engine.llm_engine import LLMEngine

    LLMEngine.reset_prefix_cache = lambda *_, **__: True


def _no_canary() -> None:
    vllm_process.Server._sing = lambda *_: {}


def _stock_linears() -> None:
    import vllm.model_executor.layers.utils as layers

    stock = layers.dispatch_cpu_unquantized_gemm
    import evaluators.vllm_worker  # noqa: F401  takes the plain ones

    layers.dispatch_cpu_unquantized_gemm = stock
