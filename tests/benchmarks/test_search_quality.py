"""Rows, table and plot of the benchmark of searches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.landscape.findings.measures import at, curves, reached, spanned
from benchmarks.landscape.findings.report import ROWS, write_report
from benchmarks.landscape.findings.rows import Row, read_rows, write_rows
from benchmarks.search_quality import Job, parse, work
from tests.benchmarks.test_landscape import ITEMS, _study

WHOLE = 3 * ITEMS
ROW_A = [Row("tiny", "mergekit-evolve", seed, items, score) for seed, items, score in
         ((0, 192, 0.5), (0, 960, 0.6), (1, 192, 0.4), (1, 1920, 0.62))]  # fmt: skip
ROW_B = [Row("tiny", "auto", seed, items, score) for seed, items, score in
         ((0, 192, 0.55), (0, 480, 0.65), (1, 192, 0.61), (1, 400, 0.7))]  # fmt: skip


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    assert read_rows(tmp_path / ROWS) == []
    write_rows(tmp_path / ROWS, ROW_A[:2])
    write_rows(tmp_path / ROWS, ROW_A[2:])
    assert read_rows(tmp_path / ROWS) == ROW_A
    first = (tmp_path / ROWS).read_text().splitlines()[0]
    assert first == (
        '{"landscape": "tiny", "entry": "mergekit-evolve", "seed": 0, "items": 192, "holdout": 0.5}'
    )


def test_a_curve_stands_until_the_next_improvement() -> None:
    curve = curves(ROW_A, "tiny")["mergekit-evolve"][0]
    assert [at(curve, items) for items in (192, 959, 960, 5000)] == [0.5, 0.5, 0.6, 0.6]
    assert at(curve, 191) != at(curve, 191)  # nothing was known yet


def test_a_level_is_reached_when_the_median_over_seeds_stands_there() -> None:
    found = curves(ROW_A + ROW_B, "tiny")
    assert reached(found["mergekit-evolve"], 0.61) == 1920
    assert reached(found["auto"], 0.61) == 400
    assert reached(found["auto"], 0.8) is None


def test_an_interval_holds_its_value() -> None:
    span = spanned([0.5, 0.6, 0.7, 0.8], "mean")
    assert span.value == pytest.approx(0.65)
    assert span.low < span.value < span.high
    assert str(spanned([0.5, 0.5])) == "50.0 [50.0, 50.0]"


def test_table_and_plot_are_written_beside_the_rows(tmp_path: Path) -> None:
    write_rows(tmp_path / ROWS, ROW_A + ROW_B)
    text = write_report(tmp_path)
    assert "| auto | 2 | 67.5 [65.0, 70.0] | 400 | 6.5 [5.0, 8.0] |  |" in text
    assert "| mergekit-evolve | 2 | 61.0 [60.0, 62.0] | 1920 |  | -6.5 [-8.0, -5.0] |" in text
    assert sorted(each.suffix for each in tmp_path.iterdir()) == [".jsonl", ".md", ".svg"]


def test_a_seed_of_all_comes_before_the_next() -> None:
    job = parse(["--landscapes", "tiny", "--entries", "cmaes,random", "--seeds", "2-3"])
    assert [*job.runs()] == [
        (2, "tiny", "cmaes"), (2, "tiny", "random"), (3, "tiny", "cmaes"), (3, "tiny", "random"),
    ]  # fmt: skip


def test_what_the_claims_are_about_is_run_for_all_seeds_before_the_rest() -> None:
    """And the slowest rivals last, should time be short."""
    job = parse(["--landscapes", "tiny,hard", "--entries", "smac,random,auto@8,auto", "--seeds", "2"])
    assert [(seed, entry) for seed, landscape, entry in job.runs() if landscape == "tiny"] == [
        (0, "auto"), (1, "auto"),
        (0, "random"), (0, "auto@8"), (1, "random"), (1, "auto@8"),
        (0, "smac"), (1, "smac"),
    ]  # fmt: skip
    assert [landscape for _, landscape, _ in job.runs()][:4] == ["tiny", "hard", "tiny", "hard"]


@pytest.fixture
def asked(tmp_path: Path) -> Job:
    """A whole trial a search, a starting point of ours, on the tiny study with fewer items."""
    said = parse(["--landscapes", "tiny", "--entries", "tpe", "--trials", "1", "--seeds", "2"])
    return replace(said, studies={"tiny": _study(tmp_path)}, memory=tmp_path / "memory", out=tmp_path)


def test_processes_that_share_the_runs_find_what_one_finds(
    asked: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that fails is named, lets the others end, and fails the whole."""
    with pytest.raises(KeyError, match="moon"):
        work(replace(asked, landscapes=("moon", "tiny"), processes=2))
    said = capsys.readouterr().err
    assert "(0, 'moon', 'tpe') failed: KeyError: 'moon'" in said
    assert said.count("of holdout") == 2
    found = read_rows(tmp_path / ROWS)
    assert {(row.landscape, row.seed, row.items) for row in found} == {("tiny", 0, WHOLE), ("tiny", 1, WHOLE)}
    (tmp_path / "alone").mkdir()
    work(replace(asked, out=tmp_path / "alone"))
    assert capsys.readouterr().err.count(", 0 items computed") == 2, "the first ones remembered all"
    assert sorted(map(str, found)) == sorted(map(str, read_rows(tmp_path / "alone" / ROWS)))
    work(replace(asked, processes=2))
    assert read_rows(tmp_path / ROWS) == found, "what is done is not done again"


def test_out_of_time_no_run_begins(asked: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work(replace(asked, until=float("-inf")))
    assert "time is up, 2 of 2 runs are not done" in capsys.readouterr().err
    assert not (tmp_path / "memory").exists()


def test_unknown_entries_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--entries", "tpe,gradient"])
    assert "unknown: gradient" in capsys.readouterr().err
