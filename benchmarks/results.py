"""All that one run measured, with what follows from it; ratios are formed within a run only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.cold import ColdResult, Growth
from benchmarks.machine import Machine
from benchmarks.peers import PeerResult
from benchmarks.samples import ratio
from benchmarks.warm import WarmResult

MOST_MEMORY = 1.5e9
WARM_GOALS: Mapping[str, float] = {"ties": 250, "task_arithmetic": 30}
COLD_GOALS: Mapping[str, float] = {"ties": 10, "task_arithmetic": 3}
"""Least times that a merge is faster than mergekit's."""


@dataclass(frozen=True)
class Results:
    """One run, or as much of it as is done."""

    machine: Machine
    settings: Mapping[str, Any]
    warm: tuple[WarmResult, ...] = ()
    cold: tuple[ColdResult, ...] = ()
    growth: tuple[Growth, ...] = ()
    peers: tuple[PeerResult, ...] = ()
    notes: tuple[str, ...] = ()
    """What was left out, and why."""
    complete: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain data: every sample, and what follows from them."""
        return {
            **_plain(asdict(self)),
            "warm": [_plain(asdict(each)) | _of_warm(each) for each in self.warm],
            "cold": [_plain(asdict(each)) | {"later_median": each.later.median} for each in self.cold],
            "peers": [_plain(asdict(each)) | _of_peer(each) for each in self.peers],
        }


def write_json(results: Results, file: Path) -> None:
    """Write all of it, readable and the same for the same numbers."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(results.to_json(), indent=1) + "\n")


def _of_warm(result: WarmResult) -> dict[str, Any]:
    """The floor is the time of a copy of the same traffic: no candidate could take less."""
    return {
        "floor": result.copy.median,
        "copy_bytes_per_second": result.traffic / result.copy.median,
        "median": result.candidate.median,
        "ratio": asdict(ratio(result.candidate, result.copy)),
        "limit": result.limit,
    }


def _of_peer(result: PeerResult) -> dict[str, Any]:
    medians = {name: getattr(result, name).median for name in ("warm", "merge", "cold", "whole")}
    return {
        "medians": medians,
        "warm_times_faster": asdict(ratio(result.merge, result.warm)),
        "cold_times_faster": asdict(ratio(result.whole, result.cold)),
    }


def _plain(data: Any) -> Any:
    """Samples as lists; everything else as it is."""
    if isinstance(data, Mapping):
        seconds = data.get("seconds")
        return list(seconds) if seconds is not None else {key: _plain(each) for key, each in data.items()}
    return [_plain(each) for each in data] if isinstance(data, list | tuple) else data
