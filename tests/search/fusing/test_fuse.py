"""A fusion file becomes fused models on a leaderboard, and is left as it is when it is run again."""

from __future__ import annotations

import json
from collections.abc import Callable

import yaml

from merging.fusion.distributions.shards import open_extracted
from merging.models.checkpoint import open_checkpoint
from merging.models.fingerprint import survey
from studies.store import StudyStore
from studies.store.rows import ModelSubject
from studies.verdicts.leaderboard import build_leaderboard
from tests.search.conftest import Outcome
from tests.search.fusing.conftest import Finished
from tests.search.fusing.families import CURVE, EVIDENCE, ITEMS, ROWS

Crucible = Callable[..., Outcome]
FUSED = ("llama: trial 0 + qwen: math", "llama: trial 0 + llama: code")
MERGED = ("fused-merge: trial 0", "fused-merge: uniform")


def test_one_table_has_every_candidate_of_the_families_and_all_that_was_fused(fused: Finished) -> None:
    rows = {row.name: row.kind for row in fused.outcome.rows}
    assert {name for name, kind in rows.items() if kind == "fused"} == {*FUSED, *MERGED}
    assert rows["llama: base"] == rows["qwen: base"] == "base"
    assert rows["llama: gsm8k"] == rows["qwen: math"] == "expert"
    assert rows["llama: uniform"] == rows["qwen: uniform"] == "uniform"
    assert rows["llama: trial 0"] == rows["qwen: trial 0"] == "trial"


def test_only_items_that_selected_nothing_judge(fused: Finished) -> None:
    selecting = {name: score.n for name, score in fused.outcome.plan.selection.rows[0].holdout.items()}
    for row in fused.outcome.rows:
        judging = {name: score.n for name, score in row.holdout.items()}
        assert {name: n + selecting[name] for name, n in judging.items()} == dict.fromkeys(
            ("gsm8k", "math", "code"), 2 * ITEMS
        )


def test_fused_rows_are_compared_with_the_unfused_target(fused: Finished) -> None:
    rows = {row.name: row for row in fused.outcome.rows}
    before, gain = rows["llama: trial 0"], rows[FUSED[0]].vs_target
    assert gain is not None
    assert (
        gain.mean == (rows[FUSED[0]].holdout_mean or 0) - (before.holdout_mean or 0)
        or abs(gain.mean - (rows[FUSED[0]].holdout_mean or 0) + (before.holdout_mean or 0)) < 1e-9
    )
    assert gain.low < gain.mean < gain.high
    assert before.vs_target is None


def test_the_outcome_says_target_reason_sources_and_holdout_before_and_after(fused: Finished) -> None:
    said = fused.outcome.to_json()
    assert said["target"] == "llama: trial 0"
    assert said["reason"].startswith("llama: trial 0 becomes the target")
    assert list(said["sources"]) == ["qwen: math", "llama: code"]
    assert said["sources"]["llama: code"]["coverage"] == 1.0
    assert 0.9 <= said["sources"]["qwen: math"]["coverage"] <= 1.0
    assert said["before"]["name"] == "llama: trial 0"
    assert said["after"]["kind"] == "fused"
    assert said["vs_target"]["low"] < said["vs_target"]["high"]
    assert said["merge_study"] == "fused-merge"
    json.dumps(said)
    text = fused.outcome.to_text()
    assert "95% interval" in text
    assert "before" in text
    assert "after" in text


def test_a_fused_model_is_a_subject_that_knows_how_it_was_made(fused: Finished) -> None:
    with StudyStore(fused.storage) as store:
        (row,) = [row for row in build_leaderboard(store, "fused") if row.name == FUSED[0]]
        subject = store.subject(row.digest)
    assert isinstance(subject, ModelSubject)
    assert subject.architecture == "llama"
    made = subject.made
    assert made is not None
    assert made["target"] == fused.outcome.before.digest
    assert made["sources"] == [fused.outcome.plan.selection.row("qwen: math").digest]
    assert made["objective"]["function"] == "min_ce_sequence"  # type: ignore[index, call-overload]
    assert survey(open_checkpoint(fused.out / "fused" / subject.path.rpartition("/")[2])).digest == row.digest


def test_distributions_lie_on_disk_for_sources_and_for_the_target_which_competes(fused: Finished) -> None:
    found = [open_extracted(folder) for folder in sorted((fused.out / "distributions").iterdir())]
    assert len(found) == 3
    assert all(len(each) == ROWS and each.manifest.k == 5 for each in found)


def test_curves_are_in_the_store_step_by_step(fused: Finished) -> None:
    curves: dict[str, list[int]] = {}
    for run, step, metrics in fused.rows(CURVE):
        curves.setdefault(run, []).append(step)
        assert json.loads(metrics)["loss"] > 0
    assert list(curves.values()) == [list(range(1, 9))] * 2  # 24 rows twice, 6 a step


def test_the_search_over_fused_models_can_be_read_and_measures_none_of_them_again(fused: Finished) -> None:
    study = yaml.safe_load((fused.out / "merge.yaml").read_text())
    assert study["base_model"]["name"] == "target"
    assert [each["name"] for each in study["experts"]] == ["qwen-math", "llama-code"]
    with StudyStore(fused.storage) as store:
        slices = {part.digest for part in store.slices(store.study("fused-merge"))}
        models = {row.name: row.digest for row in build_leaderboard(store, "fused", "fused-merge")}
    times = {(subject, part, item): at for subject, part, item, at in fused.rows(EVIDENCE)}
    for name, own in (("llama: trial 0", "target"), (FUSED[0], "qwen-math"), (FUSED[1], "llama-code")):
        for (subject, part, item), at in times.items():
            if subject == models[name] and part in slices:
                assert times[models[own], part, item] == at


def test_its_states_end_complete(fused: Finished, crucible: Crucible) -> None:
    said = json.loads(crucible("status", "--storage", fused.storage, "--json").out)
    assert {each["name"]: each["state"] for each in said} == dict.fromkeys(
        ("llama", "qwen", "fused", "fused-merge"), "complete"
    )


def test_run_again_it_measures_and_trains_nothing(fused: Finished, crucible: Crucible) -> None:
    weights = sorted(fused.out.rglob("*.safetensors"))
    before = [(file, file.stat().st_mtime_ns) for file in weights], fused.rows(EVIDENCE), fused.rows(CURVE)
    outcome = crucible("fuse", fused.file, "--storage", fused.storage, "--out", fused.out, "--json")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out) == json.loads(json.dumps(fused.outcome.to_json()))
    after = [(file, file.stat().st_mtime_ns) for file in weights], fused.rows(EVIDENCE), fused.rows(CURVE)
    assert after == before


def test_leaderboard_and_items_speak_of_fused_models(fused: Finished, crucible: Crucible) -> None:
    rows = json.loads(crucible("leaderboard", "fused", "--storage", fused.storage, "--json").out)
    assert [row["name"] for row in rows if row["kind"] == "fused"]
    items = crucible(
        "items", "fused", "--candidate", FUSED[0], "--slice", "math", "--storage", fused.storage, "--json"
    )
    assert len(json.loads(items.out)) == 2 * ITEMS
