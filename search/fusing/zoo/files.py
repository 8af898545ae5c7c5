"""What `crucible families` writes: a study file for each family, and the fusion file for the zoo."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from merging.errors import OutputError
from merging.models.writer import save_text
from merging.zoo.members import Kindred, Member
from search.errors import SearchError
from search.fusing.zoo.given import Given
from search.study_file.models import BASE, BASELINES, VOCABULARIES, ModelSpec
from search.study_file.spec import load_study
from search.study_file.yaml_source import load_yaml
from studies.store.connect import DEFAULT_STORAGE

FUSION = "fusion.yaml"
_JUDGING = ("objective", "engine")
"""What a study says beside its slices of how models are judged."""
_MOST_GROUPS = 4
_TRIALS = 60
_DTYPES = ("float32", "bfloat16", "float16")
_TEMPLATE = """\
# What judges is still to be said; then: crucible check {file}
# slices:
#   - {{name: gsm8k, task: gsm8k, num_fewshot: 0, search: 64, holdout: 300}}
#   - {{name: math, task: minerva_math, data: math.jsonl, search: 64, holdout: 300}}
# engine: {{name: transformers, max_tokens: 512}}
"""


@dataclass(frozen=True)
class Places:
    """Where files go, and how they call models from there."""

    folder: Path
    given: Mapping[str, Given]
    storage: str = DEFAULT_STORAGE
    allow_pickle: bool = False

    def model(self, name: str, reserved: Sequence[str] = ()) -> Any:
        """A model as a study file writes it: its place alone, or with a name where that would say another."""
        given = self.given[name]
        place = self.path(given.found.folder) if given.is_local else given.model
        called = f"{name}-model" if name in reserved else name
        if ModelSpec(model=place).called == called:
            return place
        return {"name": called if _is_sayable(called) else f"model-{called}", "model": place}

    def path(self, path: Path) -> str:
        """A path from the files' folder, unless the two have nothing in common; never like a hub id."""
        path, folder = path.resolve(), self.folder.resolve()
        if len(Path(os.path.commonpath((path, folder))).parts) < 2:
            return str(path)
        found = os.path.relpath(path, folder)
        return found if found.startswith(".") else f"./{found}"


@dataclass(frozen=True)
class Judged:
    """What an existing study says of how its models are judged, as plain data."""

    slices: Sequence[Mapping[str, Any]]
    more: Mapping[str, Any]
    storage: str

    @classmethod
    def of(cls, study: Path, places: Path) -> Judged:
        """Read a study's slices; paths in them are written as seen from another folder.

        Raises:
            SpecError: the study file does not say what it must.
        """
        spec = load_study(study)
        data, _ = load_yaml(study)
        there = Places(places, {})
        slices = [_rebased(part, spec.folder, there) for part in data["slices"]]
        return cls(slices, {key: data[key] for key in _JUDGING if key in data}, spec.storage)


def study_text(family: Kindred, name: str, places: Places, judged: Judged | None) -> str:
    """The study file of a family: its base, its experts, a space to search, and what judges."""
    base = family.base_member
    dtype = next(iter(info.dtype for info in base.model.tensors.values()))
    reserved = (BASE, *BASELINES, *VOCABULARIES)
    head = {
        "base_model": places.model(base.name) if base.name != BASE else _place(places, base),
        "experts": [places.model(member.name, reserved) for member in family.experts],
        "dtype": dtype if dtype in _DTYPES else "float32",
        **({"tokenizer_source": family.tokenizer_source} if family.tokenizer_source else {}),
        **({"allow_pickle": True} if places.allow_pickle else {}),
        "search_space": {
            "methods": ["ties"],
            "layer_groups": min(_MOST_GROUPS, family.layers) or "each",
            "modules": list(family.modules),
            "weight": [0.0, 1.0],
            "density": [0.1, 1.0],
        },
    }
    tail = {"budget": {"trials": _TRIALS}, "storage": places.storage}
    own = _TEMPLATE.format(file=f"{name}.yaml") if judged is None else _yaml({"slices": list(judged.slices)})
    own += _yaml(dict(judged.more)) if judged is not None and judged.more else ""
    return f"{_study_comment(family)}{_yaml({'name': name})}{_yaml(head)}{own}{_yaml(tail)}"


def fusion_text(studies: Sequence[str], loners: Sequence[Member], places: Places, judged: bool) -> str:
    """The fusion file of a zoo: families by their study files, and models that stand alone."""
    said = {"name": "zoo-fused", "studies": list(studies), "models": [places.model(m.name) for m in loners]}
    evaluate = "crucible evaluate MODEL STUDY.yaml --keep"
    lines = [
        "# What `crucible families` found. Run each study first; models that stand alone are asked the same",
        f"# items with `{evaluate}`.",
        *([] if judged else ["# All studies need the same slices: evidence is compared item by item."]),
        _yaml(said).rstrip(),
        "data: instructions.jsonl   # yours: rows of instruction, response and, if you like, slice",
        _yaml({"storage": places.storage}).rstrip(),
    ]
    return "\n".join(lines) + "\n"


def write_new(files: Mapping[Path, str]) -> None:
    """Write files that are not there yet, or none of them.

    Raises:
        SearchError: one is there already. OutputError: one cannot be written.
    """
    for file in files:
        if file.exists() or file.is_symlink():
            raise SearchError(f"{file}: is there already; move it away, or choose another folder with --out")
    for file, text in files.items():
        if not file.parent.is_dir() and file.parent.exists():
            raise OutputError(f"{file.parent}: is a file; choose a folder with --out")
        save_text(file, text)


def _place(places: Places, member: Member) -> Any:
    """A base that is called `base` in any case needs no name."""
    said = places.model(member.name)
    return said["model"] if isinstance(said, dict) else said


def _study_comment(family: Kindred) -> str:
    base = family.base
    sure = "" if base.sure == "certain" else f", {base.sure}"
    lines = [f"base_model was found by {base.found_by}{sure}: {base.reason}", *family.warnings]
    return "".join(f"# {line}\n" for line in lines)


def _rebased(part: Mapping[str, Any], folder: Path, there: Places) -> dict[str, Any]:
    """A slice whose data is found from another folder."""
    data = part.get("data")
    if data is None:
        return dict(part)
    if isinstance(data, str):
        return {**part, "data": there.path(folder / Path(data).expanduser())}
    return {**part, "data": {key: there.path(folder / Path(f).expanduser()) for key, f in data.items()}}


def _is_sayable(name: str) -> bool:
    try:
        ModelSpec(name=name, model=name)
    except ValidationError:
        return False
    return True


def _yaml(data: Mapping[str, Any]) -> str:
    """Block style above, flow style for what holds nothing but words and numbers."""
    return "".join(
        yaml.safe_dump(
            {key: value},
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=None if isinstance(value, dict | list) else False,
            width=110,
        )
        for key, value in data.items()
    )
