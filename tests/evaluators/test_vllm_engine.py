"""vLLM's engine, on the CPU: the same code and the same checks as on a GPU."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from evaluators.engine import Engine
from tests.evaluators.engine_contract import TINY, EngineContract

pytestmark = pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed")


class TestContract(EngineContract):
    @staticmethod
    def build() -> Engine:
        from evaluators.vllm_engine import VllmEngine

        return VllmEngine(TINY / "base")
