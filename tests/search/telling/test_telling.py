"""`crucible report` and `crucible plot` of a study that was really run, and what they refuse in one line."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from search.study_file.began import as_of
from search.study_file.spec import load_study
from studies.report.again import study_file
from studies.report.plots.draw import KINDS
from studies.report.report import read_report
from studies.store.readonly import ReadOnlyStore
from tests.search.conftest import Finished, Outcome
from tests.studies.report.builders import Page

Crucible = Callable[..., Outcome]


def test_the_report_says_what_the_leaderboard_says(
    finished: Finished, crucible: Crucible, tmp_path: Path
) -> None:
    url, out = ("--storage", finished.storage), tmp_path / "new" / "report.html"
    outcome = crucible("report", "tiny", "--out", out, *url)
    assert (outcome.code, outcome.out, outcome.err) == (0, f"tiny -> {out}\n", "")
    page = Page.read(out.read_text())
    rows = json.loads(crucible("leaderboard", "tiny", *url, "--json").out)
    judged = [row for row in rows if row["holdout_mean"] is not None]
    assert [line[0].split()[0] for line in page.tables[0][1:]] == [row["name"].split()[0] for row in judged]
    for line, row in zip(page.tables[0][1:], judged, strict=True):
        assert line[4].split()[0] == f"{100 * row['holdout_mean']:.1f}"
        assert [cell.split()[0] for cell in line[1:4]] == [
            f"{100 * score['mean']:.1f}" for score in row["holdout"].values()
        ]
    with ReadOnlyStore(finished.storage) as store:
        report = read_report(store, "tiny")
    assert report.verdict in page.text
    assert report.details in page.text
    said = crucible("leaderboard", "tiny", *url).out.strip().splitlines()[-1]
    assert said == f"{report.verdict} {report.details}"
    assert page.tags() >= {"svg", "table", "pre"}


def test_markdown_is_known_by_the_files_name(finished: Finished, crucible: Crucible, tmp_path: Path) -> None:
    out = tmp_path / "REPORT.md"
    assert crucible("report", "tiny", "--out", out, "--storage", finished.storage).code == 0
    assert out.read_text().startswith("# tiny: Crucible report\n")
    assert {file.stem for file in (tmp_path / "REPORT-plots").iterdir()} == {*KINDS} - {"front"}


def test_its_study_file_is_the_study_that_was_run(finished: Finished, tmp_path: Path) -> None:
    with ReadOnlyStore(finished.storage) as store:
        report, identity = read_report(store, "tiny"), store.identity(store.study("tiny"))
    assert report.again.study_file is not None
    for data in finished.folder.glob("*.jsonl"):
        (tmp_path / data.name).write_bytes(data.read_bytes())
    (tmp_path / "study.yaml").write_text(report.again.study_file)
    spec = load_study(tmp_path / "study.yaml")
    assert as_of(spec, identity).identity() == identity["study"]
    assert spec.expert_names == ("gsm8k", "math", "code")
    assert Path(spec.base_model.model).resolve() == (finished.folder / "base").resolve()


def test_models_with_names_keep_them(finished: Finished) -> None:
    with ReadOnlyStore(finished.storage) as store:
        study = store.study("tiny")
        (digest,) = {row.digest for row in store.candidates(study) if row.kind == "uniform"}
        merge = store.recipe(digest)
    identity = {"study": {"name": "x"}, "models": {"root": {}, "one": {}, "math": {}, "code": {}}}
    said = study_file(identity, merge, ["one", "math", "code"])
    assert said is not None
    assert "{name: root, model: " in said
    assert "- {name: one, model: " in said


def test_a_plot_is_written(finished: Finished, crucible: Crucible, tmp_path: Path) -> None:
    out = tmp_path / "curve.svg"
    outcome = crucible("plot", "tiny", "--kind", "curve", "--out", out, "--storage", finished.storage)
    assert (outcome.code, outcome.out) == (0, f"tiny curve -> {out}\n")
    assert b"best so far" in out.read_bytes()


def test_reading_changes_nothing_in_the_store(finished: Finished, crucible: Crucible, tmp_path: Path) -> None:
    file = finished.folder / "crucible.db"
    with closing(sqlite3.connect(file)) as store:
        before = list(store.iterdump())
    assert crucible("report", "tiny", "--out", tmp_path / "x.html", "--storage", finished.storage).code == 0
    with closing(sqlite3.connect(file)) as store:
        assert list(store.iterdump()) == before


@pytest.mark.parametrize("command", [("report",), ("plot", "--kind", "curve")])
def test_what_is_not_there_is_one_line_and_nothing_is_created(
    command: tuple[str, ...], finished: Finished, crucible: Crucible, tmp_path: Path
) -> None:
    out = ("--out", tmp_path / "x.svg")
    absent = f"sqlite:///{tmp_path / 'absent.db'}"
    for storage, name, said in (
        (absent, "tiny", "absent.db"),
        (finished.storage, "tinny", "did you mean tiny"),
    ):
        outcome = crucible(*command, name, *out, "--storage", storage)
        assert outcome.code == 2
        assert said in outcome.err
        assert len(outcome.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(
    finished: Finished, crucible: Crucible, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    outcome = crucible("report", "tiny", "--out", tmp_path / "file" / "x.html", "--storage", finished.storage)
    assert outcome.code == 2
    assert f"{tmp_path}/file/x.html: cannot be written" in outcome.err
