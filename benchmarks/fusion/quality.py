"""One cell of the quality benchmark: one way of learning from one seed's data."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from merging.models.writer import save_text
from search.fusing.fuse import run_fusion
from search.fusing.learning.distilling import DISTRIBUTIONS
from search.fusing.materials import MODELS
from search.showing.display import Display
from search.showing.stage import Stages
from search.study_file.fusion import FusionSpec, load_fusion
from search.working.demo import find_example

SHARED = (MODELS, DISTRIBUTIONS)
"""What is the same for all ways of a seed."""
OWN = {"name", "data", "alignment", "fusion", "training", "then_merge"}
"""Fields of the example's fusion file that a way has its own of, or none."""


@dataclass(frozen=True)
class Way:
    """A fusion function with its settings, as a fusion file says them."""

    name: str
    fusion: Mapping[str, Any]
    mapping: str = "bytes"


@dataclass(frozen=True)
class Cell:
    """What came of a way: accuracy on the items that judge, and how far it is above the unfused target."""

    way: str
    seed: int
    mean: float
    slices: Mapping[str, float]
    target_mean: float
    gain: float
    low: float
    high: float
    n: int
    seconds: float
    """Of the whole fusion, judging included; distributions of a seed are extracted once."""


def _taught(function: str, temperature: float, share: float = 0.1) -> dict[str, Any]:
    return {"function": function, "lambda": share, "temperature": temperature}


WAYS: Mapping[str, Way] = {
    way.name: way
    for way in (
        Way("labels", {"function": "labels"}),
        Way("min_ce_sequence", _taught("min_ce_sequence", 4.0)),
        Way("min_ce_sequence by statistics", _taught("min_ce_sequence", 4.0), "statistics"),
        Way("min_ce_token", _taught("min_ce_token", 4.0)),
        Way("average", _taught("average", 4.0)),
        Way("evidence", _taught("evidence", 4.0)),
        Way("alm", _taught("alm", 1.0)),
        Way("alm+min_ce_sequence", _taught("alm+min_ce_sequence", 4.0)),
        Way("uld", _taught("uld", 1.0, 0.5)),
    )
}


def measure(way: Way, seed: int, folder: Path) -> Cell:
    """Fuse and judge, unless the folder holds the cell already."""
    file = folder / f"{_slug(way.name)}.json"
    if not file.exists():
        save_text(file, json.dumps(asdict(_measured(way, seed, folder))))
    return Cell(**json.loads(file.read_text()))


def _measured(way: Way, seed: int, folder: Path) -> Cell:
    spec, out = _spec(way, seed, folder), folder / _slug(way.name)
    _share(folder, out, spec.name)
    silent = Console(file=io.StringIO())
    began = time.monotonic()
    url = f"sqlite:///{folder / 'crucible.db'}"
    outcome = run_fusion(spec, url, out, Stages(silent), Display(silent))
    after, before = outcome.after, outcome.before
    gain = after.vs_target
    assert gain is not None
    assert after.holdout_mean is not None
    assert before.holdout_mean is not None
    _keep(out, folder)
    print(f"seed {seed} {way.name}: {100 * after.holdout_mean:.1f} ({100 * gain.mean:+.1f})", flush=True)
    return Cell(
        way=way.name,
        seed=seed,
        mean=after.holdout_mean,
        slices={name: score.mean for name, score in after.holdout.items()},
        target_mean=before.holdout_mean,
        gain=gain.mean,
        low=gain.low,
        high=gain.high,
        n=gain.n,
        seconds=time.monotonic() - began,
    )


def _spec(way: Way, seed: int, folder: Path) -> FusionSpec:
    example = load_fusion(find_example() / "fusion.yaml")
    training = {**example.training.model_dump(), "seed": seed}
    return FusionSpec.model_validate(
        {
            **example.model_dump(
                by_alias=True, exclude={"then_merge", "training", "fusion", "alignment", "data", "name"}
            ),
            "name": f"{way.name}, seed {seed}",
            "data": str(folder / "instructions.jsonl"),
            "fusion": {**way.fusion, "pairwise": False},
            "alignment": {"mapping": way.mapping},
            "training": training,
            "folder": example.folder,
        }
    )


def _share(folder: Path, out: Path, name: str) -> None:
    """Begin with the models and distributions of the seed's first fusion."""
    kept = folder / "shared"
    if kept.exists() and not out.exists():
        shutil.copytree(kept, out)
        save_text(out / "fusion.json", json.dumps({"fusion": name}) + "\n")


def _keep(out: Path, folder: Path) -> None:
    """Keep what the seed's other fusions need too; the fused model itself is not kept."""
    kept = folder / "shared"
    for name in SHARED:
        for place in (out / name).glob("*"):
            if not (kept / name / place.name).exists():
                shutil.copytree(place, kept / name / place.name)
    shutil.rmtree(out)


def _slug(name: str) -> str:
    return name.replace(" ", "-").replace("=", "")
