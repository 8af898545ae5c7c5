"""Slices that nobody, or everybody, answers: real items over the tiny models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.search.conftest import TINY, small_study

FOLDER = Path(__file__).parent


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (TINY / f"{name}.jsonl").read_text().splitlines()]


def nobody(folder: Path, name: str = "nobody") -> dict[str, Any]:
    """Questions of GSM8K's kind whose right answer no model says."""
    wrong = [{"question": row["question"], "answer": "No.\n#### 987654321"} for row in rows("gsm8k")[-40:]]
    return _slice(folder, name, "gsm8k", wrong)


def everybody(folder: Path, name: str = "everybody") -> dict[str, Any]:
    """Programs that are complete before the model says a word: it may add one token to a comment."""
    done = [
        {
            "task_id": f"Done/{i}",
            "prompt": f"def same(t):\n    return t\n# {i} ",
            "entry_point": "same",
            "canonical_solution": "that is all",
            "test": "def check(candidate):\n    assert candidate(3) == 3\n",
        }
        for i in range(40)
    ]
    return _slice(folder, name, "humaneval", done)


def study(*slices: dict[str, Any], max_tokens: int = 1, **changes: Any) -> dict[str, object]:
    """The small study over these slices; one token an answer is enough for `nobody` and `everybody`."""
    engine = {"name": "transformers", "max_tokens": max_tokens}
    return small_study(trials=2, slices=list(slices), engine=engine, **changes)


def _slice(folder: Path, name: str, task: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in items))
    return {
        "name": name,
        "task": task,
        "data": file.name,
        "num_fewshot": 0,
        "search": 6,
        "holdout": 4,
    }
