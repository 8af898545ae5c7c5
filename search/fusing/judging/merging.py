"""After fusion: a homogeneous search over the fused targets, which share one architecture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from merging.models.writer import save_text
from search.candidates.fused import dtype_of
from search.fusing.judging.court import Court, Part
from search.fusing.learning.distilling import Fused
from search.fusing.materials import Material
from search.showing.display import Display
from search.study_file.fusion import FusionSpec
from search.study_file.spec import DataSpec, SliceSpec, load_study
from search.working.run import run_study
from studies.store import StudyStore
from studies.store.rows import Filed
from studies.verdicts.leaderboard import Row

FILE = "merge.yaml"
SUFFIX = "-merge"
TARGET = "target"
"""What that study calls its base, the unfused target."""


@dataclass(frozen=True)
class Merged:
    """What a search over fused targets found."""

    study: str
    rows: tuple[Row, ...]
    """Its judged merges: the finalists, and the uniform one."""
    keys: Mapping[Part, str]
    """Where its answers are filed."""


def merge_fused(
    file: Path,
    url: str,
    display: Display,
    target: Material,
    fused: Sequence[Fused],
    asked: Mapping[Part, str],
) -> Merged:
    """Search for the best merge of the fused targets, or go on with it.

    `asked` says where answers of the target and of the fused models are filed: they are not measured again.
    """
    spec = load_study(file)
    models = {TARGET: target.role.digest, **{each.pair.short: each.subject.digest for each in fused}}
    known = {
        name: {part: Filed(digest, key) for part, key in asked.items()} for name, digest in models.items()
    }
    rows = run_study(spec, url, display, known=known, anyway=True)
    with StudyStore(url) as store:
        slices = store.slices(store.study(spec.name))
    judged = [row for row in rows if row.kind in ("uniform", "trial") and row.holdout_mean is not None]
    return Merged(spec.name, tuple(judged), {(each.name, each.split): each.digest for each in slices})


def write_study(
    spec: FusionSpec,
    out: Path,
    court: Court,
    target: Material,
    fused: Sequence[Fused],
    storage: str,
) -> Path:
    """Write the study file of that search, which can be run by hand as well; returns where it is.

    Its base is the unfused target, its experts are the fused ones by name; it asks what the `court` asks.
    """
    asked, wanted = court.spec, spec.then_merge
    assert wanted is not None, "no search is asked for"
    study: dict[str, Any] = {
        "name": f"{spec.name}{SUFFIX}",
        "base_model": {"name": TARGET, "model": str(target.folder.resolve())},
        "experts": [{"name": each.pair.short, "model": each.subject.path} for each in fused],
        "dtype": dtype_of(target.checkpoint),
        "search_space": wanted.search_space.model_dump(mode="json", by_alias=True, exclude_unset=True),
        "slices": [_slice(part, asked.folder) for part in asked.slices],
        "objective": asked.objective,
        "sampler": wanted.sampler.model_dump(mode="json", exclude_unset=True),
        "engine": asked.engine.model_dump(mode="json", exclude_unset=True),
        "budget": {"trials": wanted.trials, "finalists": wanted.finalists},
        "storage": storage,
    }
    save_text(out / FILE, yaml.safe_dump(study, sort_keys=False, allow_unicode=True, width=1000))
    return out / FILE


def _slice(part: SliceSpec, folder: Path) -> dict[str, Any]:
    """As the study of the target has it, its files named so that they are found from anywhere."""
    said = part.model_dump(mode="json", exclude_unset=True)
    if isinstance(part.data, DataSpec):
        said["data"] = {name: str(folder / file) for name, file in part.data.model_dump().items()}
    elif part.data is not None:
        said["data"] = str(folder / part.data)
    return said
