"""The landscapes, by name: study files, whose space is what entries search."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LANDSCAPES = {name: HERE / f"{name}.yaml" for name in ("tiny", "hard")}
MEMORY = ROOT / "benchmarks/.landscape"
"""Verdicts and outcomes, which take hours to compute again; safe to delete."""
