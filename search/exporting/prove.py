"""Is a written checkpoint the candidate that was measured? It is read back, or asked a few items again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evaluators.engines.reader import open_reader
from evaluators.errors import EngineError, OutOfMemory
from merging.family.outfit import outfit, setting
from merging.family.prepare import open_model
from merging.models.fingerprint import survey
from merging.recipe import Recipe
from search.candidates.candidate import chosen_model
from search.candidates.models import open_worker
from search.errors import SearchError
from search.exporting.questions import NoQuestions, lay_out, specs_of
from search.exporting.rescore import Evidence, Rescored, rescore
from search.exporting.wanted import Proof
from search.study_file.spec import StudySpec
from studies.store import StudyStore
from studies.store.identity import JSON
from studies.verdicts.leaderboard import Row

UNVERIFIED = ".unverified"
"""What a folder's name ends with until its checkpoint was proven."""
_SQLITE = "sqlite:///"


class Unproven(SearchError):  # noqa: N818 - reads as the fact that it reports
    """A checkpoint that does not answer as the candidate that was measured, or cannot be asked."""


@dataclass(frozen=True)
class Questions:
    """What may be asked: the identity of a study, and study files that may be its own."""

    identity: Mapping[str, JSON]
    specs: tuple[StudySpec, ...] = ()
    lacking: str = ""
    """Why there are none."""


def questions_of(url: str, study: str, proof: Proof) -> Questions:
    """Look for a study's items, before anything is written.

    Raises:
        NoQuestions: they are not here, and were asked for.
        StudyNotFound, SpecError: there is no such study, or study file.
    """
    with StudyStore(url, create=False, patience=0) as store:
        number = store.study(study)
        identity = store.identity(number)
        if proof.skip or proof.n == 0:
            return Questions(identity, lacking="as asked")
        try:
            found = specs_of(study, identity, _places(url, store, number), proof.study_file)
        except NoQuestions as error:
            if proof.items is not None:
                raise NoQuestions(f"--verify {proof.items}: {error}") from None
            return Questions(identity, lacking=str(error))
    return Questions(identity, tuple(found))


def prove(url: str, study: str, row: Row, folder: Path, proof: Proof, questions: Questions) -> str:
    """Make sure of a checkpoint; returns what was, in words.

    Raises:
        Unproven: it is not what was measured, or cannot be asked; the message names the items and the folder.
    """
    if proof.skip:
        return "not verified, as asked"
    lacking = questions.lacking
    if not lacking:
        try:
            return _rescored(url, study, row, folder, proof, questions)
        except NoQuestions as error:
            if proof.items is not None:
                raise Unproven(f"--verify {proof.items}: {error}; it is kept in {folder}") from None
            lacking = str(error)
    _read_back(folder)
    return f"read back, every number finite; no item was asked again ({lacking})"


def _read_back(folder: Path) -> None:
    """Open config, tokenizer and every tensor; raises Unproven."""
    try:
        open_reader(folder)
        survey(open_model(folder))
    except ValueError as error:
        raise Unproven(f"the checkpoint does not read back: {error}; it is kept in {folder}") from None


def _rescored(url: str, study: str, row: Row, folder: Path, proof: Proof, questions: Questions) -> str:
    spec, slices = lay_out(questions.specs, questions.identity, folder)
    try:
        with StudyStore(url, create=False, patience=0) as store:
            evidence = Evidence(store, store.study(study), row.digest, _setting(store, row.digest))
            found = rescore(folder, spec, slices, evidence, proof.n)
    except (EngineError, ValueError) as error:
        if isinstance(error, OutOfMemory) or isinstance(error.__cause__, EngineError):  # it never began
            raise NoQuestions(f"the engine cannot be started here: {error}") from error
        raise Unproven(
            f"the checkpoint could not be asked: {error}; it is kept in {folder} (--no-verify asks nothing)"
        ) from error
    if not found.sound:
        raise Unproven(_disagreement(found, row, folder))
    return f"verified: {found.to_text()}"


def _disagreement(found: Rescored, row: Row, folder: Path) -> str:
    return (
        f"the checkpoint does not answer as {row.name!r} did: it {found.to_text()}; it is kept in {folder},"
        " to be looked at and removed"
    )


def _setting(store: StudyStore, digest: str) -> str:
    """What tells a candidate's answers from those under its base's own generation config."""
    recipe = store.subject(digest)
    if not isinstance(recipe, Recipe):
        return ""
    worker = open_worker(recipe)
    return setting(outfit((worker.base, *worker.experts), chosen_model(recipe)), worker.base)


def _places(url: str, store: StudyStore, study: int) -> list[Path]:
    """Where a study's local items may be: here, beside its store, or beside its models."""
    beside = [Path(url.removeprefix(_SQLITE)).absolute().parent] if url.startswith(_SQLITE) else []
    recipes = (store.subject(each.digest) for each in store.candidates(study))
    recipe = next((each for each in recipes if isinstance(each, Recipe)), None)
    refs = (recipe.base, *recipe.experts) if recipe else ()
    models = [Path(ref.path).parent for ref in refs if Path(ref.path).is_absolute()]
    return [Path.cwd(), *beside, *models]
