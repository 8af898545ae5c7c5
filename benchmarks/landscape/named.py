"""The landscapes, by name: study files, whose space is what entries search."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
LANDSCAPES = {
    "tiny": ROOT / "examples/tiny/study.yaml",
    "hard": Path(__file__).parent / "hard.yaml",
}
MEMORY = ROOT / "benchmarks/.landscape"
"""Verdicts and outcomes, which take hours to compute again; safe to delete."""
