"""The database of studies, candidates and evidence."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from difflib import get_close_matches
from functools import partial
from typing import Self

from sqlalchemy import Connection, select, update

from evaluators.score import ItemResult
from merging.recipe import Recipe
from studies.errors import StorageLost, StudyChanged, StudyNotFound
from studies.store import queries
from studies.store.connect import open_engine, reading, writing
from studies.store.evidence import evidence_rows, output_rows, read_result
from studies.store.fusions import FusionRecords
from studies.store.identity import JSON, changes, describe
from studies.store.migrate import migrate
from studies.store.patience import PATIENCE_S, Outage, patient
from studies.store.queries import insert_new, update_one, utc_now
from studies.store.rows import (
    Candidate,
    CandidateKind,
    Cost,
    Filed,
    Lengths,
    ModelSubject,
    StudySlice,
    StudyState,
    StudySummary,
    Tally,
)
from studies.store.schema import candidates, evidence, outputs, slices, studies, study_slices, subjects
from studies.store.spool import Batch, Spool, spool_folder
from studies.store.subjects import model_row, read_subject, recipe_row


class StudyStore(FusionRecords):
    """Remembers studies in the database that a URL names.

    Evidence is append-only: a (subject, slice, item) keeps what was recorded first. Each method that writes
    is one transaction, so a process may be killed at any moment. Threads and processes may share a database.
    Every method waits for a database that is away, for as long as `patience` says, and raises StorageError if
    it fails.
    """

    def __init__(
        self, url: str, *, create: bool = True, patience: float = PATIENCE_S, opening: float = 0.0
    ) -> None:
        """Opens the database and brings its tables up to date; without `create`, a SQLite file must be there.

        Once it is open, whatever is asked of it is asked again for `patience` seconds if it is away; opening
        it is tried for `opening` seconds.

        Raises StorageError if it can't be opened or written, or was written by a newer Crucible.
        """
        self.engine = open_engine(url, create=create)
        self.outage, self.wait, self.patience = Outage(), time.sleep, opening
        self.spool: Spool | None = None
        try:
            self.patiently(partial(migrate, self.engine))
            folder = spool_folder(self.engine.url) if self.engine.dialect.name == "postgresql" else None
            if folder is not None:
                self.spool = Spool(folder)
                self.patiently(partial(self.spool.gather, self._write))
        except BaseException:
            self.close()
            raise
        self.patience = patience

    def close(self) -> None:
        """Closes the connections; evidence that never reached its server is left to who opens it next."""
        if self.spool is not None:
            self.spool.close()
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @patient
    def begin(self, name: str, identity: Mapping[str, JSON]) -> int:
        """Creates a study, or resumes it if its identity is what it was; returns its id.

        Raises StudyChanged naming the fields that differ.
        """
        identity = json.loads(json.dumps(identity))
        row = {"name": name, "state": "searching", "identity": identity, **queries.creation_times()}
        with writing(self.engine) as connection:
            connection.execute(insert_new(connection, studies), row)
            found = connection.execute(select(studies).where(studies.c.name == name)).one()
        if changed := changes(found.identity, identity):
            raise StudyChanged(
                f"study {name!r} is not what it was when it began: {describe(changed)}:"
                " undo the change, or give the changed study another name"
            )
        return int(found.id)

    @patient
    def study(self, name: str) -> int:
        """The id of a study; raises StudyNotFound with the nearest name."""
        with reading(self.engine) as connection:
            ids = {row.name: int(row.id) for row in connection.execute(select(studies.c.name, studies.c.id))}
        if name not in ids:
            near = get_close_matches(name, ids, n=1) or sorted(ids)
            hint = f"did you mean {' or '.join(near)}?" if near else "start one with `crucible run`"
            raise StudyNotFound(f"storage {self.engine.url!r} has no study {name!r}: {hint}")
        return ids[name]

    @patient
    def identity(self, study: int) -> Mapping[str, JSON]:
        """What a study was when it began, as `begin` was told."""
        with reading(self.engine) as connection:
            found = connection.execute(select(studies.c.identity).where(studies.c.id == study)).scalar_one()
        return dict(found)

    @patient
    def studies(self) -> list[StudySummary]:
        """Every study, in the order in which they began."""
        with reading(self.engine) as connection:
            return [StudySummary(*row) for row in connection.execute(queries.select_summaries())]

    @patient
    def set_state(self, study: int, state: StudyState, reason: str | None = None) -> None:
        """Says what the study is doing, or how it ended."""
        with writing(self.engine) as connection:
            update_one(connection, studies, studies.c.id == study, {"state": state, "reason": reason})

    @patient
    def add_slices(self, study: int, rows: Sequence[StudySlice]) -> None:
        """Remembers the study's slices in their order; raises StudyChanged if it began with others."""
        with writing(self.engine) as connection:
            known = [StudySlice(*row) for row in connection.execute(queries.select_slices(study))]
            if known and (changed := changes(_by_name(known), _by_name(rows))):
                raise StudyChanged(
                    f"the slices are not what they were when the study began: {describe(changed)}:"
                    " restore their data and engine, or give the study another name"
                )
            _insert_slices(connection, rows)
            for position, row in enumerate(rows):
                own = {"study_id": study, "split": row.split, "name": row.name, "slice_digest": row.digest}
                connection.execute(insert_new(connection, study_slices), {**own, "position": position})

    @patient
    def remember_slices(self, rows: Sequence[StudySlice]) -> None:
        """Remembers slices that are asked outside any study."""
        with writing(self.engine) as connection:
            _insert_slices(connection, rows)

    @patient
    def slices(self, study: int) -> list[StudySlice]:
        """The study's slices, in their order."""
        with reading(self.engine) as connection:
            return [StudySlice(*row) for row in connection.execute(queries.select_slices(study))]

    @patient
    def add_recipe(self, recipe: Recipe) -> str:
        """Remembers a recipe; returns its digest."""
        with writing(self.engine) as connection:
            _insert_recipe(connection, recipe)
        return recipe.digest

    def recipe(self, digest: str) -> Recipe:
        """The recipe of that digest; raises StudyNotFound, too where it is of a model that is no merge."""
        found = self.subject(digest)
        if isinstance(found, ModelSubject):
            raise StudyNotFound(
                f"{digest[:12]} is the model {found.path}, which has no recipe: take it as it is"
            )
        return found

    @patient
    def add_model(self, model: ModelSubject) -> str:
        """Remembers a model; returns its digest.

        A model that is known keeps how it was made, and is looked for where it was seen last.
        """
        row = model_row(model)
        which = subjects.c.digest == model.digest
        with writing(self.engine) as connection:
            connection.execute(insert_new(connection, subjects), row)
            known = read_subject(connection.execute(select(subjects).where(which)).one())
            assert isinstance(known, ModelSubject), f"{model.digest} is a recipe's digest"
            if model.made is None and known.made is not None:
                row = model_row(replace(model, made=known.made))
            connection.execute(update(subjects).where(which).values(content=row["content"]))
        return model.digest

    @patient
    def subject(self, digest: str) -> Recipe | ModelSubject:
        """What evidence of that digest is of; raises StudyNotFound."""
        with reading(self.engine) as connection:
            found = connection.execute(select(subjects).where(subjects.c.digest == digest)).one_or_none()
        if found is None:
            raise StudyNotFound(f"storage {self.engine.url!r} has no recipe {digest}: check --storage")
        return read_subject(found)

    @patient
    def register_candidate(
        self, study: int, kind: CandidateKind, name: str, trial: int | None, digest: str
    ) -> None:
        """Adds a candidate as running; one that is there already keeps its state.

        Raises StudyChanged if it is there with another recipe, or as another model.
        """
        with writing(self.engine) as connection:
            _register(connection, study, kind, name, trial, digest)

    @patient
    def enter(self, study: int, kind: CandidateKind, name: str, trial: int | None, recipe: Recipe) -> None:
        """Remembers a recipe and adds the candidate that it makes; raises as `register_candidate`."""
        with writing(self.engine) as connection:
            _insert_recipe(connection, recipe)
            _register(connection, study, kind, name, trial, recipe.digest)

    @patient
    def finish_candidate(
        self,
        study: int,
        kind: CandidateKind,
        name: str,
        reason: str | None = None,
        failure: str | None = None,
        *,
        pruned: bool = False,
    ) -> None:
        """Marks a candidate as complete, or, with a reason, as failed; `failure` is of what kind that is.

        With a reason one may instead be `pruned`: its measurement was stopped early.
        """
        assert reason is not None or not pruned, f"{name} was stopped for no reason"
        state = "pruned" if pruned else "complete" if reason is None else "failed"
        with writing(self.engine) as connection:
            which = queries.candidate_key(study, kind, name)
            update_one(connection, candidates, which, {"state": state, "reason": reason, "failure": failure})

    @patient
    def candidates(self, study: int) -> list[Candidate]:
        """The study's candidates, in the order of their registration."""
        with reading(self.engine) as connection:
            return [Candidate(*row) for row in connection.execute(queries.select_candidates(study))]

    def record(self, subject_digest: str, slice_digest: str, results: Sequence[ItemResult]) -> None:
        """Adds what was measured, all or nothing; what is there already stays as it is.

        The subject and the slice must have been added before. While a server is away this does not wait for
        it: the evidence is kept on this machine, and brought before anything else is asked of the server.
        """
        if not results:
            return
        batch = Batch(subject_digest, slice_digest, utc_now(), tuple(results))
        try:
            self.at_once(partial(self._write, batch))
        except StorageLost:
            if self.spool is None or not self.spool.append(batch):
                self.patiently(partial(self._write, batch))

    def catch_up(self) -> None:
        """Bring the evidence that was kept on this machine while the server was away."""
        if self.spool is not None:
            self.spool.flush(self._write)

    def _write(self, batch: Batch) -> None:
        rows = evidence_rows(batch.subject, batch.slice, batch.results, batch.measured_at)
        with writing(self.engine) as connection:
            connection.execute(insert_new(connection, outputs), output_rows(batch.results))
            connection.execute(insert_new(connection, evidence), rows)

    @patient
    def adopt(self, moves: Sequence[tuple[Filed, Filed]]) -> int:
        """Files what was measured under one key under another, too, all or nothing; returns how many answers.

        For answers that are the same under both. What is there already stays as it is; the subjects and
        slices of the new keys must have been added before.
        """
        with writing(self.engine) as connection:
            copies = (queries.copy_evidence(connection, *move) for move in moves)
            return sum(connection.execute(each).rowcount for each in copies)

    def measured(self, subject_digest: str, slice_digest: str) -> set[int]:
        """The items of a slice that a model was asked already."""
        return set(self.verdicts([subject_digest], slice_digest)[subject_digest])

    @patient
    def verdicts(self, subject_digests: Sequence[str], slice_digest: str) -> dict[str, dict[int, bool]]:
        """Per subject, the items that it was asked: were they answered correctly?"""
        found: dict[str, dict[int, bool]] = {digest: {} for digest in subject_digests}
        with reading(self.engine) as connection:
            rows = connection.execute(queries.select_verdicts(list(found), slice_digest))
            for digest, item, correct in rows:
                found[digest][item] = correct
        return found

    @patient
    def tallies(self, subject_digests: Sequence[str], slice_digest: str) -> dict[str, Tally]:
        """Per subject, how many items it was asked and answered correctly."""
        found = {digest: Tally(0, 0) for digest in subject_digests}
        with reading(self.engine) as connection:
            rows = connection.execute(queries.select_tallies(list(found), slice_digest))
            found.update({digest: Tally(correct, n) for digest, correct, n in rows})
        return found

    @patient
    def costs(self, subject_digests: Sequence[str], slice_digest: str) -> dict[str, Cost]:
        """Per subject, what its answers to a slice took; subjects that were asked nothing are left out."""
        with reading(self.engine) as connection:
            rows = connection.execute(queries.select_costs(list(subject_digests), slice_digest))
            return {digest: Cost(int(tokens), float(seconds)) for digest, tokens, seconds in rows}

    @patient
    def lengths(self, subject_digests: Sequence[str], slice_digest: str) -> dict[str, Lengths]:
        """Per subject, how long its answers to a slice were; who was asked nothing is left out."""
        with reading(self.engine) as connection:
            rows = connection.execute(queries.select_lengths(list(subject_digests), slice_digest))
            return {digest: Lengths(n, int(tokens), int(squares)) for digest, n, tokens, squares in rows}

    @patient
    def logprobs(self, subject_digests: Sequence[str], slice_digest: str) -> dict[str, dict[int, float]]:
        """Per subject, the log-probability that it gave each item's gold answer, per token of that answer.

        For slices that are scored by it: elsewhere `tokens` counts another text.
        """
        found: dict[str, dict[int, float]] = {digest: {} for digest in subject_digests}
        with reading(self.engine) as connection:
            rows = connection.execute(queries.select_logprobs(list(found), slice_digest))
            for digest, item, logprob, tokens in rows:
                found[digest][item] = logprob / tokens
        return found

    @patient
    def results(self, subject_digest: str, slice_digest: str) -> list[ItemResult]:
        """Everything measured of one model on one slice, in the order of the items."""
        with reading(self.engine) as connection:
            rows = connection.execute(queries.select_results(subject_digest, slice_digest))
            return [read_result(row) for row in rows]


def _insert_slices(connection: Connection, rows: Sequence[StudySlice]) -> None:
    for row in rows:
        shared = {"digest": row.digest, "task": row.task, "n": row.n, "scoring": row.scoring}
        connection.execute(insert_new(connection, slices), shared)


def _by_name(rows: Sequence[StudySlice]) -> dict[str, JSON]:
    return {f"{row.name} ({row.split})": asdict(row) for row in rows}


def _insert_recipe(connection: Connection, recipe: Recipe) -> None:
    connection.execute(insert_new(connection, subjects), recipe_row(recipe))


def _register(
    connection: Connection, study: int, kind: CandidateKind, name: str, trial: int | None, digest: str
) -> None:
    key = {"study_id": study, "kind": kind, "name": name}
    row = {**key, "trial": trial, "digest": digest, "state": "running", **queries.creation_times()}
    if connection.execute(insert_new(connection, candidates).returning(candidates.c.name), row).first():
        return
    which = queries.candidate_key(study, kind, name)
    found = connection.execute(select(candidates.c.digest).where(which)).scalar_one()
    if found != digest:
        was = "the model" if kind in ("model", "fused") else "made by recipe"
        now = "" if kind in ("model", "fused") else "by "
        raise StudyChanged(
            f"{name} was {was} {found[:12]}, now {now}{digest[:12]}: give the changed study another name"
        )
