"""Fusions that are not pairwise, and those that another engine judges than the members' own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file

from studies.store import StudyStore
from tests.search.conftest import TINY, Outcome
from tests.search.fusing.families import CURVE, FUSION, ITEMS, Families, write_yaml

Crucible = Callable[..., Outcome]
QUICK = {**FUSION, "training": {"epochs": 1, "batch": 12}}


def fuse(families: Families, crucible: Crucible, **changes: object) -> tuple[dict[str, object], str]:
    write_yaml(families.file, {**QUICK, **changes})
    out = families.folder / "out"
    said = crucible("fuse", families.file, "--storage", families.storage, "--out", out, "--json")
    assert said.code == 0, said.err
    return json.loads(said.out), said.err


def test_all_sources_at_once_make_one_model_and_leave_nothing_to_merge(
    families: Families, crucible: Crucible
) -> None:
    said, err = fuse(families, crucible, fusion={"pairwise": False, "function": "average"})
    names = [row["name"] for row in said["leaderboard"] if row["kind"] == "fused"]  # type: ignore[index, attr-defined]
    assert names == ["llama: trial 0 + qwen: math + llama: code"]
    assert "there is one fused model only, so there is nothing to merge" in err
    assert said["merge_study"] is None
    assert len(families.rows(CURVE)) == 2


def test_under_another_engine_the_target_is_asked_again_and_answers_stay_apart(
    families: Families, crucible: Crucible
) -> None:
    """Labels alone need no source, so none is written out, and nothing is extracted."""
    engine = {"dtype": "bfloat16", "max_tokens": 48}
    said, _ = fuse(families, crucible, engine=engine, fusion={"function": "labels"}, then_merge=None)
    assert not (families.folder / "out" / "distributions").exists()
    assert len([*(families.folder / "out" / "models").iterdir()]) == 1
    with StudyStore(families.storage) as store:
        keys = {
            name: {(part.name, part.split): part.digest for part in store.slices(store.study(name))}
            for name in ("llama", "qwen", "fused")
        }
    assert keys["llama"] == keys["qwen"]
    assert not {*keys["fused"].values()} & {*keys["llama"].values()}
    before, after = said["before"], said["after"]
    digest = before["digest"]  # type: ignore[index]
    asked = families.rows(
        f"select count(distinct slice_digest) from crucible_evidence where subject_digest = '{digest}'"
    )
    assert asked == [(3 * 6,)], "in its study, by the new engine, and beside the fused models"
    assert after["name"] == "llama: trial 0 + labels"  # type: ignore[index]
    judged = [sum(score["n"] for score in row["holdout"].values()) for row in (before, after)]  # type: ignore[index, attr-defined]
    assert judged[0] == judged[1] < 3 * 2 * ITEMS


def pickled(folder: Path) -> Path:
    """A model of no study: the tiny base, a little changed, with weights that only pickle can read."""
    shutil.copytree(TINY / "base", folder)
    file = folder / "model.safetensors"
    weights = {name: tensor * 1.01 for name, tensor in load_file(file).items()}
    file.unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    return folder


def test_a_pickled_model_of_no_study_becomes_the_target_and_fused_models_of_it_merge(
    families: Families, crucible: Crucible
) -> None:
    model = pickled(families.folder / "alone")
    kept = crucible(
        "evaluate", model, families.folder / "llama.yaml", "--keep", "--allow-pickle",
        "--storage", families.storage,
    )  # fmt: skip
    assert kept.code == 0, kept.err
    said, _ = fuse(families, crucible, models=["alone"], allow_pickle=True, target="alone")
    assert said["before"]["name"] == "alone"  # type: ignore[index]
    assert said["after"]["kind"] == "fused"  # type: ignore[index]
    names = {row["name"] for row in said["leaderboard"] if row["kind"] == "fused"}  # type: ignore[index, attr-defined]
    assert {"alone + qwen: math", "alone + llama: code", "fused-merge: uniform"} < names


def test_a_judged_model_is_not_made_anew_in_another_way(families: Families, crucible: Crucible) -> None:
    """It could not have its name: that is told before it is trained, wherever it should lie."""
    labels = {"fusion": {"function": "labels"}, "then_merge": None}
    fuse(families, crucible, **labels)
    other = {**labels, "training": {**QUICK["training"], "rate": 2e-4, "checkpoint_every": 1}}
    write_yaml(families.file, {**QUICK, **other})
    out = families.folder / "another"
    said = crucible("fuse", families.file, "--storage", families.storage, "--out", out)
    assert said.code == 2
    assert "crucible: training.rate: 'llama: trial 0 + labels' was made otherwise, and judged" in said.err
    assert "undo the change, or give the changed fusion another name" in said.err
    assert not out.exists()
