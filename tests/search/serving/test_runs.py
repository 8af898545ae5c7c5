"""How a study becomes a process, where its file lies, and what is made of the process's end."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from search.errors import SearchError
from search.serving.admission.admit import Rules, lay_out
from search.serving.admission.model_folders import ModelFolders
from search.serving.queue import MOST_DEATHS
from search.serving.refusals import Refused
from search.serving.runs import Run, folder_of, outcome, run_arguments, slots_of, workers_of
from search.study_file.spec import EngineSpec, load_study
from studies.workers.submissions import set_submission_state, submission
from tests.search.conftest import TINY
from tests.search.serving.conftest import Served, study_text


@pytest.mark.parametrize(
    ("gpus", "workers", "slots"),
    [
        ((), None, ((),)),
        ((), 4, ((),)),
        (("0", "1", "2", "3"), None, (("0", "1", "2", "3"),)),
        (("0", "1", "2", "3"), 2, (("0", "1"), ("2", "3"))),
        (("4", "6", "7"), 2, (("4", "6"),)),
        (("0", "1"), 1, (("0",), ("1",))),
    ],
)
def test_gpus_are_shared_out_to_as_many_studies_as_they_are_enough_for(
    gpus: tuple[str, ...], workers: int | None, slots: tuple[tuple[str, ...], ...]
) -> None:
    assert slots_of(gpus, workers) == slots


def test_more_workers_than_gpus_are_refused() -> None:
    with pytest.raises(SearchError, match="--workers 3: there are 2 GPUs"):
        slots_of(("0", "1"), 3)


def test_a_model_over_two_gpus_has_half_as_many_workers(served: Served, tmp_path: Path) -> None:
    spec = lay_out(study_text(), tmp_path / "x", Rules(served.settings.models))
    vllm = spec.model_copy(update={"engine": EngineSpec(name="vllm", tensor_parallel=2)})
    gpus = ("0", "1", "2", "3")
    assert workers_of(served.settings, vllm, gpus) == 2
    assert workers_of(served.settings, vllm, ("0",)) == 1
    assert workers_of(replace(served.settings, workers=3), spec, ()) == 3


def test_options_are_told_as_they_were_given(served: Served) -> None:
    options = {"trials": 9, "hours": 0.5, "until": "07:00", "anyway": True}
    told = ["--trials=9", "--hours=0.5", "--until=07:00", "--anyway"]
    assert run_arguments(served.settings, options, None) == told
    assert run_arguments(replace(served.settings, ray="auto"), {}, 4) == ["--ray=auto", "--workers=4"]


class TestLayingOut:
    def test_the_file_is_as_it_was_sent_and_its_paths_lead_to_the_models(self, tmp_path: Path) -> None:
        text = study_text() + "# a remark, kept\r\n"
        lay_out(text, tmp_path / "x", Rules(ModelFolders.at([TINY])))
        assert (tmp_path / "x" / "study.yaml").read_bytes() == text.encode()
        spec = load_study(tmp_path / "x" / "study.yaml")
        assert (spec.folder / spec.base_model.model).resolve() == (TINY / "base").resolve()
        assert (spec.folder / "math.jsonl").resolve() == (TINY / "math.jsonl").resolve()

    def test_it_is_the_study_that_its_file_would_be_beside_the_models(self, tmp_path: Path) -> None:
        text = study_text()
        spec = lay_out(text, tmp_path / "x", Rules(ModelFolders.at([TINY])))
        (tmp_path / "own.yaml").write_text(text)
        assert spec.identity() == load_study(tmp_path / "own.yaml").identity()

    def test_laid_out_again_nothing_of_before_is_left_and_no_model_is_touched(self, tmp_path: Path) -> None:
        before = sorted(path.name for path in TINY.iterdir())
        for _ in range(2):
            lay_out(study_text(), tmp_path / "x", Rules(ModelFolders.at([TINY])))
        (tmp_path / "x" / "left").touch()
        lay_out(study_text(), tmp_path / "x", Rules(ModelFolders.at([TINY])))
        assert not (tmp_path / "x" / "left").exists()
        assert sorted(path.name for path in TINY.iterdir()) == before

    def test_a_path_within_a_model_of_another_folder_makes_nothing_in_that(self, tmp_path: Path) -> None:
        one, two = tmp_path / "one", tmp_path / "two"
        (one / "code").mkdir(parents=True)
        (two / "code" / "items").mkdir(parents=True)
        rules = Rules(ModelFolders.at([one, two, TINY]))
        with pytest.raises(Refused, match="lie in different model folders"):
            lay_out(study_text(experts=["./code", "code/items", "./math"]), tmp_path / "x", rules)
        assert list((one / "code").iterdir()) == []

    def test_names_that_file_systems_confuse_have_folders_of_their_own(self, served: Served) -> None:
        folders = {folder_of(served.settings, name) for name in ("tiny", "Tiny", "tiny ", "..", "a/b")}
        assert len(folders) == 5
        assert {folder.parent for folder in folders} == {served.settings.folder / "studies"}


def ended(tmp_path: Path, code: str, said: str = "") -> Run:
    """A process that has ended, with its log."""
    process = subprocess.Popen([sys.executable, "-c", code])
    process.wait()
    log = tmp_path / "run.log"
    log.write_text(said)
    return Run("tiny", (), process, log)


class TestHowARunEnded:
    @pytest.mark.parametrize(
        ("code", "state"),
        [
            ("raise SystemExit(0)", "ended"),
            ("raise SystemExit(3)", "stopped"),
            ("raise SystemExit(130)", "stopped"),
            ("raise SystemExit(143)", "stopped"),
            ("import os; os.kill(os.getpid(), 15)", "stopped"),
            ("raise SystemExit(75)", "queued"),
            ("raise SystemExit(2)", "failed"),
            ("raise SystemExit(1)", "failed"),
            ("import os; os.kill(os.getpid(), 9)", "failed"),
        ],
    )
    def test_its_exit_code_says(self, tmp_path: Path, code: str, state: str) -> None:
        assert outcome(ended(tmp_path, code), None)[0] == state

    def test_one_that_failed_says_why_in_its_last_words(self, tmp_path: Path) -> None:
        run = ended(
            tmp_path, "raise SystemExit(2)", "progress…\ncrucible: study 'tiny' is not what it was\n\n"
        )
        assert outcome(run, None) == ("failed", "study 'tiny' is not what it was")

    def test_one_that_was_killed_says_by_what(self, tmp_path: Path) -> None:
        assert "SIGKILL" in str(outcome(ended(tmp_path, "import os; os.kill(os.getpid(), 9)"), None)[1])


class TestTheQueue:
    def test_a_process_that_died_is_started_again_a_few_times(self, served: Served, tmp_path: Path) -> None:
        run = ended(tmp_path, "import os; os.kill(os.getpid(), 9)")
        again = [served.queue._again_if_it_died(run, *outcome(run, None))[0] for _ in range(MOST_DEATHS)]
        assert again == ["queued"] * (MOST_DEATHS - 1) + ["failed"]

    def test_one_that_had_worked_for_long_is_started_again_whenever_it_dies(
        self, served: Served, tmp_path: Path
    ) -> None:
        run = replace(ended(tmp_path, "import os; os.kill(os.getpid(), 9)"), began=-1000.0)
        for _ in range(2 * MOST_DEATHS):
            assert served.queue._again_if_it_died(run, *outcome(run, None))[0] == "queued"

    def test_a_study_whose_models_are_gone_by_its_turn_fails_and_the_next_one_has_the_turn(
        self, served: Served, tmp_path: Path
    ) -> None:
        served.queue.add("tiny", study_text(base_model="./gone"), {})
        served.queue.turn()
        found = submission(served.store, "tiny")
        assert (found.state, "base_model: './gone' is not in" in str(found.reason)) == ("failed", True)

    def test_what_an_earlier_service_left_running_waits_again_unless_it_was_to_stop(
        self, served: Served
    ) -> None:
        for name in ("a", "b"):
            served.queue.add(name, study_text(name=name), {})
            set_submission_state(served.store, name, "running")
        from studies.workers.wishes import ask

        ask(served.store, served.store.begin("b", {}), "stop")
        served.queue.recover()
        assert submission(served.store, "a").state == "queued"
        assert submission(served.store, "b").state == "stopped"
