"""Two tiny families, really searched, and a fusion of them: few items, few rows, few steps."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from search.showing.display import Display
from search.study_file.spec import load_study
from search.working.run import run_study
from tests.search.conftest import TINY

QWEN = TINY / "qwen"
ITEMS = 8
ROWS = 24
EVIDENCE = "select subject_digest, slice_digest, item, measured_at from crucible_evidence"
CURVE = "select run, step, metrics from crucible_training order by run, step"
FUSION: dict[str, Any] = {
    "name": "fused",
    "studies": ["llama.yaml", "qwen.yaml"],
    "data": "instructions.jsonl",
    "target": "llama: trial 0",
    "sources": ["qwen: math", "llama: code"],
    "distributions": {"shard": 4, "top_k": 5},
    "fusion": {"lambda": 0.5},
    "alignment": {"mapping": "bytes"},
    "training": {"epochs": 2, "batch": 6, "rate": 3.0e-4, "checkpoint_every": 2},
    "then_merge": {
        "trials": 1,
        "finalists": 1,
        "search_space": {"methods": ["linear"], "layer_groups": 1, "weight": [0.0, 1.0]},
    },
}


@dataclass(frozen=True)
class Families:
    """A folder with both studies, run to their end, and a fusion file."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "crucible.db"

    @property
    def storage(self) -> str:
        return f"sqlite:///{self.database}"

    @property
    def file(self) -> Path:
        return self.folder / "fusion.yaml"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.database) as connection:
            return connection.execute(query).fetchall()


def write_families(folder: Path, **changes: object) -> Families:
    """The files of both studies and of the fusion, which `changes` replace at the top."""
    write_yaml(folder / "llama.yaml", _study("llama", TINY, ["gsm8k", "code"]))
    write_yaml(folder / "qwen.yaml", _study("qwen", QWEN, ["math"]))
    lines = (TINY / "instructions.jsonl").read_text().splitlines(keepends=True)
    (folder / "instructions.jsonl").write_text("".join(lines[:ROWS]))
    write_yaml(folder / "fusion.yaml", {**FUSION, **changes})
    return Families(folder)


def search_families(families: Families) -> None:
    """Run both studies."""
    for name in ("llama", "qwen"):
        spec = load_study(families.folder / f"{name}.yaml")
        run_study(spec, families.storage, Display(Console(quiet=True)), anyway=True)


def write_yaml(path: Path, content: object) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def _study(name: str, home: Path, experts: list[str]) -> dict[str, object]:
    tasks = {"gsm8k": "gsm8k", "math": "minerva_math", "code": "humaneval"}
    return {
        "name": name,
        "base_model": str(home / "base"),
        "experts": [str(home / expert) for expert in experts],
        "search_space": {"methods": ["ties"], "layer_groups": 1, "weight": [0.0, 1.0], "density": [0.1, 1.0]},
        "slices": [
            {
                "name": part,
                "task": task,
                "data": str(TINY / f"{part}.jsonl"),
                "num_fewshot": 0,
                "search": ITEMS,
                "holdout": 2 * ITEMS,
            }
            for part, task in tasks.items()
        ],
        "engine": {"max_tokens": 48},
        "budget": {"trials": 1, "finalists": 1},
    }
