"""Target and sources of a fusion come from the store's evidence, and never from items that judge."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from merging.family.prepare import open_model
from merging.models.fingerprint import survey
from merging.recipe import Recipe
from search.errors import SearchError
from search.fusing.plan import Plan, keep_plan, make_plan
from studies.errors import SelectionError, StudyChanged
from studies.store import StudyStore
from tests.search.conftest import TINY, Outcome
from tests.search.fusing.zoo import (
    CHOSEN,
    ITEMS,
    LLAMA,
    MANY,
    QWEN,
    Entry,
    answers,
    enter_model,
    enter_study,
    fusion,
    fusion_file,
    member_file,
)
from tests.studies.builders import make_recipe

pytestmark = pytest.mark.usefixtures("own_folder")
Crucible = Callable[..., Outcome]


def fill(
    store: StudyStore, folder: Path, llama: Sequence[Entry] = LLAMA, qwen: Sequence[Entry] = QWEN
) -> None:
    """Two searched families, run to their end."""
    enter_study(store, member_file(folder, "llama"), llama)
    enter_study(store, member_file(folder, "qwen"), qwen)


@pytest.fixture
def filled(store: StudyStore, tmp_path: Path) -> StudyStore:
    fill(store, tmp_path)
    return store


def plan(store: StudyStore, folder: Path, more: str = "") -> Plan:
    return make_plan(fusion(folder, more), store)


def refusal(store: StudyStore, folder: Path, more: str = "", studies: str = "llama.yaml, qwen.yaml") -> str:
    with pytest.raises((SearchError, SelectionError)) as caught:
        make_plan(fusion(folder, more, studies), store)
    message = str(caught.value)
    assert "\n" not in message
    return message


class TestTheDecision:
    def test_among_targets_not_significantly_worse_the_one_with_most_to_gain(
        self, filled: StudyStore, tmp_path: Path
    ) -> None:
        """Llama's best solves two more of each slice, so qwen's has two more to learn from the coder."""
        found = plan(filled, tmp_path).selection
        assert (found.target, found.sources) == ("qwen: uniform", {"qwen: coder": ("code",)})
        target, best = found.row("qwen: uniform"), found.row("llama: trial 1")
        assert target.vs_best
        assert target.vs_best.mean == pytest.approx(-sum(2 / len(items) for items in CHOSEN.values()) / 2)
        assert target.reason.startswith("not significantly worse than llama: trial 1: -1.")
        assert target.gain > best.gain
        assert not found.overridden

    def test_figures_are_of_the_selecting_items_alone(self, filled: StudyStore, tmp_path: Path) -> None:
        row = plan(filled, tmp_path).selection.row("qwen: uniform")
        assert {name: score.n for name, score in row.holdout.items()} == {
            name: len(items) for name, items in CHOSEN.items()
        }
        assert row.holdout["code"].mean == 80 / len(CHOSEN["code"])
        assert row.complementarity["qwen: coder"] == {"math": 0, "code": MANY - 80}
        assert row.complementarity["llama: trial 1"] == {"math": 2, "code": 2}

    def test_rows_are_the_best_merge_of_each_study_and_all_experts(
        self, filled: StudyStore, tmp_path: Path
    ) -> None:
        rows = plan(filled, tmp_path).selection.rows
        assert sorted((row.name, row.study, row.kind) for row in rows) == [
            ("llama: gsm8k", "llama", "expert"),
            ("llama: trial 1", "llama", "trial"),
            ("qwen: coder", "qwen", "expert"),
            ("qwen: uniform", "qwen", "uniform"),
        ]

    def test_search_items_count_for_the_best_merge(self, store: StudyStore, tmp_path: Path) -> None:
        """Trial 0 solves two selecting items less of each slice, but five search items more."""
        better = [
            replace(entry, answers=replace(entry.answers, search={"math": 17, "code": 17}))
            if entry.name == "trial 0"
            else entry
            for entry in LLAMA
        ]
        fill(store, tmp_path, better)
        assert "llama: trial 0" in {row.name for row in plan(store, tmp_path).selection.rows}

    def test_a_trial_that_was_not_judged_stands_for_nothing(self, store: StudyStore, tmp_path: Path) -> None:
        fill(store, tmp_path)
        spec = fusion(tmp_path)
        late = store.add_recipe(_recipe())
        study = store.study("llama")
        store.register_candidate(study, "trial", "trial 9", 9, late)
        store.finish_candidate(study, "trial", "trial 9")
        store.record(late, "llama math search", answers((), ()).steering("math"))
        assert "llama: trial 9" not in {row.name for row in make_plan(spec, store).selection.rows}

    def test_a_trial_that_is_an_expert_over_again_does_not_stand_for_its_family(
        self, filled: StudyStore, tmp_path: Path
    ) -> None:
        study = filled.study("qwen")
        (coder,) = (each for each in filled.candidates(study) if each.name == "coder")
        filled.register_candidate(study, "trial", "trial 5", 5, coder.digest)
        filled.finish_candidate(study, "trial", "trial 5")
        names = {row.name for row in plan(filled, tmp_path).selection.rows}
        assert {"qwen: uniform", "qwen: coder"} < names

    def test_what_answers_cost_and_how_large_models_are(self, filled: StudyStore, tmp_path: Path) -> None:
        row = plan(filled, tmp_path).selection.row("llama: trial 1")
        assert row.seconds_per_token == pytest.approx(0.1 / 4)
        tensors = open_model(TINY / "base").tensors.values()
        assert row.parameters == sum(info.numel for info in tensors)

    def test_one_model_of_two_studies_is_one_row(self, store: StudyStore, tmp_path: Path) -> None:
        fill(store, tmp_path)
        study = store.study("qwen")
        (gsm8k,) = (each for each in store.candidates(store.study("llama")) if each.name == "gsm8k")
        store.register_candidate(study, "expert", "sums", None, gsm8k.digest)
        store.finish_candidate(study, "expert", "sums")
        for name in ITEMS:
            store.record(gsm8k.digest, f"qwen {name} holdout", LLAMA[1].answers.holdout(name))
        names = [row.name for row in plan(store, tmp_path).selection.rows]
        assert "llama: gsm8k" in names
        assert "qwen: sums" not in names


class TestItemsThatJudge:
    """Half of the holdout items judge what comes of the plan, so the plan must not know how they were
    answered."""

    def test_however_they_were_answered_the_plan_is_the_same(self, tmp_path: Path) -> None:
        plans = []
        for name, flipped in (("as-is", False), ("flipped", True)):
            folder = tmp_path / name
            folder.mkdir()
            with StudyStore(f"sqlite:///{folder / 'crucible.db'}") as store:
                fill(
                    store,
                    folder,
                    *([_judged(each, flipped, n) for n, each in enumerate(of)] for of in (LLAMA, QWEN)),
                )
                plans.append(plan(store, folder).to_json())
        assert plans[0] == plans[1]

    def test_and_that_test_would_see_a_leak(self, tmp_path: Path, store: StudyStore) -> None:
        """One selecting item answered otherwise does change the plan."""
        fill(store, tmp_path)
        before = plan(store, tmp_path).to_json()
        folder = tmp_path / "other"
        folder.mkdir()
        changed = [
            replace(QWEN[2], answers=answers(range(79), range(80))) if e is QWEN[2] else e for e in QWEN
        ]
        with StudyStore(f"sqlite:///{folder / 'crucible.db'}") as other:
            fill(other, folder, qwen=changed)
            assert plan(other, folder).to_json() != before

    def test_another_seed_parts_them_otherwise(self, filled: StudyStore, tmp_path: Path) -> None:
        rows = [
            plan(filled, tmp_path, f"selection: {{seed: {seed}}}").selection.row("qwen: uniform")
            for seed in (0, 1)
        ]
        assert rows[0].holdout != rows[1].holdout

    def test_a_share_that_leaves_none_is_refused(self, filled: StudyStore, tmp_path: Path) -> None:
        assert refusal(filled, tmp_path, "selection: {share: 1.0e-9}") == (
            "selection.share: of the 240 holdout items of slice 'math' none selects: raise it, or ask more"
            " holdout items"
        )
        assert "none is left to judge: lower it" in refusal(
            filled, tmp_path, "selection: {share: 0.999999999}"
        )


class TestModelsOfNoStudy:
    MODELS = f"models: [{{name: smol, model: {TINY / 'code'}}}]"

    def test_a_model_that_answered_the_same_items_may_become_the_target(
        self, filled: StudyStore, tmp_path: Path
    ) -> None:
        digest = survey(open_model(TINY / "code")).digest
        given = answers(range(MANY), range(70))
        enter_model(filled, tmp_path / "qwen.yaml", "smol", digest, given)
        found = make_plan(fusion(tmp_path, self.MODELS), filled, lambda a, b, texts: None, []).selection
        assert found.target == "smol"
        row = found.row("smol")
        assert (row.study, row.kind, row.digest) == (None, "model", digest)
        assert found.sources["qwen: coder"] == ("code",)

    def test_one_without_answers_is_refused_with_the_command_that_gets_them(
        self, filled: StudyStore, tmp_path: Path
    ) -> None:
        assert refusal(filled, tmp_path, self.MODELS) == (
            "models: smol has not answered all holdout items of the studies: evaluate it with `crucible"
            f" evaluate {TINY / 'code'} llama.yaml --keep`"
        )

    def test_a_model_that_is_not_there_is_refused(self, filled: StudyStore, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="no such model folder"):
            plan(filled, tmp_path, "models: [./absent]")


class TestTokenizers:
    MODELS = f"models: [{{name: smol, model: {TINY / 'code'}}}]"

    @pytest.fixture(autouse=True)
    def _another_model(self, filled: StudyStore, tmp_path: Path) -> None:
        digest = survey(open_model(TINY / "code")).digest
        enter_model(filled, tmp_path / "qwen.yaml", "smol", digest, answers(range(80), range(80)))

    def test_coverage_is_asked_once_for_each_two_of_them(self, filled: StudyStore, tmp_path: Path) -> None:
        asked: list[tuple[str, str]] = []

        def coverage(a: Path, b: Path, texts: Sequence[str]) -> float:
            assert texts == ["1 + 1"]
            asked.append((a.name, b.name))
            return 0.75

        found = make_plan(fusion(tmp_path, self.MODELS), filled, coverage, ["1 + 1"]).selection
        assert asked == [("base", "code")]
        assert found.row("smol").coverage["llama: trial 1"] == 0.75
        assert found.row("llama: trial 1").coverage == {
            "llama: gsm8k": 1.0,
            "qwen: coder": 1.0,
            "qwen: uniform": 1.0,
            "smol": 0.75,
        }

    def test_by_default_they_are_aligned_over_the_data(self, filled: StudyStore, tmp_path: Path) -> None:
        (tmp_path / "own.jsonl").write_text('{"instruction": "1 + 1", "response": "2"}\n')
        spec = fusion(tmp_path, self.MODELS).model_copy(update={"data": ("own.jsonl",)})
        found = make_plan(spec, filled).selection
        assert found.row("smol").coverage["llama: trial 1"] == 1.0  # the tiny models share one

    def test_data_that_cannot_be_read_is_refused(self, filled: StudyStore, tmp_path: Path) -> None:
        spec = fusion(tmp_path, self.MODELS).model_copy(update={"data": ("absent.jsonl",)})
        with pytest.raises(ValueError, match=r"absent\.jsonl: cannot be read \(No such file"):
            make_plan(spec, filled)


class TestWhatTheFileNames:
    def test_target_and_sources_are_taken_and_said_to_be_named(
        self, filled: StudyStore, tmp_path: Path
    ) -> None:
        found = plan(filled, tmp_path, "target: 'llama: gsm8k'\nsources: ['qwen: uniform']").selection
        assert (found.target, found.overridden) == ("llama: gsm8k", True)
        assert found.sources == {"qwen: uniform": ("math", "code")}
        assert found.row("llama: gsm8k").reason.startswith("named in the file; significantly worse than")
        assert [warning.split(":")[0] for warning in found.warnings] == ["target"]

    def test_a_name_that_no_row_has_is_refused_with_the_nearest(
        self, filled: StudyStore, tmp_path: Path
    ) -> None:
        assert refusal(filled, tmp_path, "target: 'lama: trial 1'").startswith(
            "target: no row is called 'lama: trial 1'; did you mean 'llama: trial 1'? rows: llama: trial 1,"
        )
        assert refusal(filled, tmp_path, "sources: [coder]").startswith(
            "sources: no row is called 'coder'; did you mean 'qwen: coder'?"
        )

    def test_nothing_to_learn_is_refused_unless_sources_are_named(
        self, store: StudyStore, tmp_path: Path
    ) -> None:
        fill(store, tmp_path, qwen=[each for each in QWEN if each.name != "coder"])
        said = refusal(store, tmp_path)
        assert said.startswith("sources: none is significantly better than the target qwen: uniform")
        assert "math: llama: trial 1 +1." in said
        named = plan(store, tmp_path, "sources: ['llama: trial 1']").selection
        assert named.sources == {"llama: trial 1": ()}


class TestStudiesThatDoNotFit:
    def test_a_study_that_is_not_in_the_store(self, store: StudyStore, tmp_path: Path) -> None:
        member_file(tmp_path, "llama")
        said = refusal(store, tmp_path, studies="llama.yaml")
        assert said.startswith("studies: llama.yaml: storage sqlite:///")
        assert said.endswith(
            " has no study 'llama': run it first with `crucible run llama.yaml`, or name its --storage"
        )

    def test_a_study_that_was_not_run_to_its_end(self, store: StudyStore, tmp_path: Path) -> None:
        enter_study(store, member_file(tmp_path, "llama"), LLAMA, state="stopped")
        assert refusal(store, tmp_path, studies="llama.yaml") == (
            "studies: llama.yaml: study 'llama' is stopped: finish it first with `crucible run llama.yaml`"
        )

    def test_a_study_file_that_was_changed_since(self, filled: StudyStore, tmp_path: Path) -> None:
        file = tmp_path / "qwen.yaml"
        file.write_text(file.read_text().replace("seed: 0", "seed: 3"))
        assert "qwen.yaml is not what study 'qwen' was run with: study.sampler.seed was 0, now 3" in refusal(
            filled, tmp_path
        )

    def test_studies_that_were_asked_other_items(self, store: StudyStore, tmp_path: Path) -> None:
        enter_study(store, member_file(tmp_path, "llama"), LLAMA)
        enter_study(store, member_file(tmp_path, "qwen"), QWEN, {**ITEMS, "code": "other items of code"})
        assert refusal(store, tmp_path).startswith(
            "studies: qwen.yaml and llama.yaml were asked other holdout items in slice code: give these the"
        )

    def test_an_expert_without_all_answers(self, store: StudyStore, tmp_path: Path) -> None:
        enter_study(store, member_file(tmp_path, "llama"), LLAMA)
        study = store.study("llama")
        store.register_candidate(study, "expert", "late", None, store.add_recipe(_recipe()))
        store.finish_candidate(study, "expert", "late")
        assert refusal(store, tmp_path, studies="llama.yaml") == (
            "studies: llama.yaml: expert 'late' has not answered all holdout items: finish it with `crucible"
            " run llama.yaml`"
        )

    def test_two_rows_of_one_name(self, filled: StudyStore, tmp_path: Path) -> None:
        folder = tmp_path / "llama: trial 1"
        folder.symlink_to(TINY / "code")
        digest = survey(open_model(TINY / "code")).digest
        enter_model(filled, tmp_path / "qwen.yaml", "smol", digest, answers(range(80), range(80)))
        said = refusal(filled, tmp_path, "models: ['./llama: trial 1']")
        assert said.startswith("models: 'llama: trial 1' is what another row is called; write {name: …")


class TestWhatIsKept:
    def test_the_decision_is_kept_with_the_fusion(self, filled: StudyStore, tmp_path: Path) -> None:
        made = plan(filled, tmp_path)
        study = keep_plan(made, filled)
        kept = filled.selection(study)
        assert kept
        assert kept["target"] == made.selection.row("qwen: uniform").digest
        assert (kept["target_name"], kept["sources"]) == ("qwen: uniform", {"qwen: coder": ["code"]})
        assert filled.identity(study) == {
            "parting": {"seed": 0, "share": 0.5},
            "items": {"math/holdout": "items of math", "code/holdout": "items of code"},
        }
        (line,) = (each for each in filled.studies() if each.name == "fused")
        assert (line.state, line.reason) == ("stopped", "planned, and not run yet")

    def test_a_new_decision_takes_its_place_but_items_stay_parted(
        self, filled: StudyStore, tmp_path: Path
    ) -> None:
        study = keep_plan(plan(filled, tmp_path), filled)
        assert keep_plan(plan(filled, tmp_path, "target: 'llama: trial 1'"), filled) == study
        kept = filled.selection(study)
        assert kept
        assert (kept["target_name"], kept["overridden"]) == ("llama: trial 1", True)
        other = plan(filled, tmp_path, "selection: {seed: 1}")
        with pytest.raises(StudyChanged, match=r"parting\.seed was 0, now 1"):
            keep_plan(other, filled)


def test_the_store_is_asked_as_often_however_many_candidates_there_are(
    store: StudyStore, tmp_path: Path
) -> None:
    fill(store, tmp_path)
    few = _statements(store, tmp_path)
    study = store.study("llama")
    for number in range(2, 40):
        digest = store.add_recipe(_recipe(number))
        store.register_candidate(study, "trial", f"trial {number}", number, digest)
        store.finish_candidate(study, "trial", f"trial {number}")
        for name in ITEMS:
            store.record(digest, f"llama {name} search", answers((), ()).steering(name))
            store.record(digest, f"llama {name} holdout", answers((), ()).holdout(name))
    assert _statements(store, tmp_path) == few
    assert few == 1 + 2 * (3 + 2 * 4)  # of each study three, of each of its slices four


class TestTheCommand:
    def storage(self, folder: Path) -> str:
        return f"sqlite:///{folder / 'crucible.db'}"

    def test_it_shows_the_table_and_says_why(
        self, filled: StudyStore, tmp_path: Path, crucible: Crucible
    ) -> None:
        done = crucible("fuse", fusion_file(tmp_path), "--plan", "--storage", self.storage(tmp_path))
        assert (done.code, done.err) == (0, "")
        assert "qwen: uniform becomes the target: not significantly worse than llama: trial 1" in done.out
        assert "items that qwen: uniform fails and each solves" in done.out
        line = next(each for each in done.out.splitlines() if "qwen: coder" in each and "source" in each)
        assert "25" in line  # ms/token

    def test_as_json_and_nothing_else(self, filled: StudyStore, tmp_path: Path, crucible: Crucible) -> None:
        storage = self.storage(tmp_path)
        done = crucible("fuse", fusion_file(tmp_path), "--plan", "--json", "--storage", storage)
        said = json.loads(done.out)
        assert (said["fusion"], said["target"], said["overridden"]) == ("fused", "qwen: uniform", False)
        assert said["sources"] == {"qwen: coder": ["code"]}
        assert said["rows"][0]["name"] == "qwen: uniform"
        assert filled.selection(filled.study("fused"))

    def test_nothing_to_learn_exits_with_2_and_keeps_nothing(
        self, store: StudyStore, tmp_path: Path, crucible: Crucible
    ) -> None:
        fill(store, tmp_path, qwen=[each for each in QWEN if each.name != "coder"])
        done = crucible("fuse", fusion_file(tmp_path), "--plan", "--storage", self.storage(tmp_path))
        assert done.code == 2
        assert done.err.startswith("crucible: sources: none is significantly better than the target")
        assert len(done.err.splitlines()) == 1
        assert "fused" not in {each.name for each in store.studies()}

    def test_without_a_store_there_is_no_plan(self, tmp_path: Path, crucible: Crucible) -> None:
        done = crucible("fuse", fusion_file(tmp_path), "--plan", "--storage", self.storage(tmp_path))
        assert done.code == 2
        assert "no file" in done.err


def _recipe(number: int = 0) -> Recipe:
    """One that no study of the zoo has."""
    return make_recipe(0.5 + number / 1024)


def _judged(entry: Entry, flipped: bool, number: int) -> Entry:
    """With the judging items answered all right or all wrong, by turns."""
    return replace(entry, answers=replace(entry.answers, judging=(number % 2 == 0) != flipped))


def _statements(store: StudyStore, folder: Path) -> int:
    """How often a plan asks the store."""
    with _counted(store) as asked:
        plan(store, folder)
    return len(asked)


@contextmanager
def _counted(store: StudyStore) -> Iterator[list[str]]:
    asked: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.extend([statement] if statement.startswith("SELECT") else [])

    event.listen(store.engine, "before_cursor_execute", listen)
    try:
        yield asked
    finally:
        event.remove(store.engine, "before_cursor_execute", listen)
