"""`crucible fuse`: from plan to leaderboard. The same call goes on wherever it was stopped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from merging.errors import OutputError
from merging.fusion.texts import read_rows
from merging.models.writer import ensure_writable, save_text
from search.candidates.candidate import SMALL
from search.fusing.coverage import SAMPLE
from search.fusing.judging.everybody import (
    Files,
    adopt,
    enter,
    enter_members,
    files_of,
    judge_fused,
    judge_target,
)
from search.fusing.judging.merging import merge_fused, write_study
from search.fusing.judging.outcome import Outcome, outcome_of
from search.fusing.learning.distilling import Fused, School, extract_all, train_all
from search.fusing.materials import MODELS, Material, materialise
from search.fusing.plan import keep_plan, make_plan
from search.fusing.preflight import Prepared, prepare
from search.running.ending import ending
from search.running.interrupt import exposed, shielded
from search.running.workshop import study_slices
from search.showing.display import Display
from search.showing.stage import Stages
from search.study_file.fusion import FusionSpec
from studies.store import StudyStore
from studies.store.lease import exclusive

MARK = "fusion.json"
"""What says whose a folder is."""


def run_fusion(spec: FusionSpec, url: str, out: Path, stages: Stages, display: Display) -> Outcome:
    """Decide, check, extract, distil, judge, search over what was distilled and judge that, or go on with it.

    What is made lies in `out`; what is found out, in the store that `url` names.

    Raises:
        ValueError kin: what the user can put right, as far as it can be known before any training.
        Interrupted: Ctrl-C or SIGTERM; all that is done is kept and the study is marked stopped.
    """
    with StudyStore(url, create=False) as store:
        texts = [row.response for row in read_rows(spec.data_files)[:SAMPLE]]
        plan = make_plan(spec, store, texts=texts)
        study = keep_plan(plan, store)
        with exclusive(store, spec.name), ending(store, study), shielded():
            store.set_state(study, "selecting")
            for line in (plan.selection.reason, *plan.selection.warnings):
                stages.say(line)
            with exposed():
                prepared = prepare(plan, store, out)
                _claim(out, spec.name)
            work = Work(prepared, store, study, url, stages, display)
            target, fused = _distil(work)
            store.set_state(study, "judging")
            files = _judge(work, target, fused)
            _merge(work, files, target, fused)
            store.set_state(study, "complete")
        return outcome_of(prepared, store)


@dataclass(frozen=True, eq=False)
class Work:
    """A fusion being run."""

    prepared: Prepared
    store: StudyStore
    study: int
    url: str
    stages: Stages
    display: Display

    @property
    def spec(self) -> FusionSpec:
        """The fusion file's content."""
        return self.prepared.plan.spec

    @property
    def out(self) -> Path:
        """Where all that is made lies."""
        return self.prepared.out


def _distil(work: Work) -> tuple[Material, tuple[Fused, ...]]:
    """Write models out, ask sources, train; the unfused target, and what it became."""
    work.store.set_state(work.study, "extracting")
    school = _school(work)
    said = extract_all(school)
    work.store.set_state(work.study, "distilling")
    return school.target, train_all(school, said)


def _school(work: Work) -> School:
    prepared, quiet = work.prepared, not work.stages.console.is_terminal
    made: list[Material] = []
    for role in (prepared.target, *prepared.teachers):
        work.stages.say(f"write {role.name}")
        with exposed():
            made.append(materialise(role, work.out / MODELS, work.spec.allow_pickle, quiet))
    return School(
        spec=work.spec,
        selection=prepared.plan.selection,
        out=work.out,
        data=prepared.data,
        target=made[0],
        sources=tuple(made[1:]),
        readings=prepared.readings,
        engine=prepared.court.spec.engine,
        store=work.store,
        study=work.study,
        stages=work.stages,
    )


def _judge(work: Work, target: Material, fused: Sequence[Fused]) -> Files:
    """Everybody becomes a candidate of the fusion, fused models after they were asked all items."""
    prepared, store, study = work.prepared, work.store, work.study
    court = prepared.court
    with court.bench(store) as bench:
        files = files_of(prepared.plan, court, bench, store)
        store.add_slices(study, study_slices(court.slices, lambda each: files.own[each.name, each.split]))
        enter_members(prepared.plan, store, study, files)
        judge_target(court, bench, files, target)
        work.display.follow(judge_fused(court, bench, files, study, fused))
    return files


def _merge(work: Work, files: Files, target: Material, fused: Sequence[Fused]) -> None:
    """Search over the fused targets, whose best merges become fused candidates, too."""
    wanted = work.spec.then_merge
    if wanted is None:
        return
    if len(fused) < 2:
        work.stages.say("then_merge: there is one fused model only, so there is nothing to merge")
        return
    work.store.set_state(work.study, "searching")
    file = write_study(work.spec, work.out, work.prepared.court, target, fused, work.url)
    merged = merge_fused(file, work.url, work.display, target, fused, files.asked)
    work.store.set_state(work.study, "judging")
    for row in merged.rows:
        adopt(work.store, row.digest, row.digest, merged.keys, files.own)
        enter(work.store, work.study, "fused", f"{merged.study}: {row.name}", row.digest)


def _claim(out: Path, name: str) -> None:
    """Make a folder this fusion's; raises OutputError where it is another's."""
    mark = out / MARK
    if mark.is_file():
        said = json.loads(mark.read_text(encoding="utf-8"))
        if said.get("fusion") != name:
            raise OutputError(
                f"{out}: holds the fusion {said.get('fusion')!r}; choose another place with --out"
            )
    elif out.is_dir() and any(out.iterdir()):
        raise OutputError(f"{out}: the folder is not empty; choose another with --out, or empty it first")
    else:
        ensure_writable(out, SMALL)
        save_text(mark, json.dumps({"fusion": name}) + "\n")
