"""The hub's `code_eval`, which lm-eval's code tasks load at their first line, for a machine without the hub.

A program and its tests run as one text in a Python of their own, as there. lm-eval finds this file where its
working directory is this folder's parent.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import datasets
import evaluate

SECONDS = 3.0


class CodeEval(evaluate.Metric):
    """pass@1 of one program for each test."""

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        features = datasets.Features({"predictions": datasets.Sequence(text), "references": text})
        return evaluate.MetricInfo(description="", citation="", features=features)

    def _compute(self, predictions: list[list[str]], references: list[str], k: list[int]) -> Any:
        assert list(k) == [1]
        passed = [_passes(*each) for each in zip(predictions, references, strict=True)]
        return {"pass@1": sum(passed) / len(passed)}, {}


def _passes(programs: list[str], test: str) -> bool:
    (program,) = programs
    command = [sys.executable, "-I", "-S", "-c", f"{program}\n{test}"]
    try:
        return subprocess.run(command, capture_output=True, timeout=SECONDS, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
