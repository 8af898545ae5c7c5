"""Rows, table and plot of the benchmark of searches."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.landscape.report import at, curves, reached, spanned, write_report
from benchmarks.landscape.rows import Row, read_rows, write_rows
from benchmarks.search_quality import ROWS, parse

ROW_A = [Row("tiny", "mergekit-evolve", seed, items, score) for seed, items, score in
         ((0, 192, 0.5), (0, 960, 0.6), (1, 192, 0.4), (1, 1920, 0.62))]  # fmt: skip
ROW_B = [Row("tiny", "auto+racing", seed, items, score) for seed, items, score in
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
    assert reached(found["auto+racing"], 0.61) == 400
    assert reached(found["auto+racing"], 0.8) is None


def test_an_interval_holds_its_value() -> None:
    span = spanned([0.5, 0.6, 0.7, 0.8], "mean")
    assert span.value == pytest.approx(0.65)
    assert span.low < span.value < span.high
    assert str(spanned([0.5, 0.5])) == "50.0 [50.0, 50.0]"


def test_table_and_plot_are_written_beside_the_rows(tmp_path: Path) -> None:
    write_rows(tmp_path / ROWS, ROW_A + ROW_B)
    text = write_report(tmp_path, ROWS)
    assert "| auto+racing | 2 | 67.5 [65.0, 70.0] | 400 | 6.5 [5.0, 8.0] |  |" in text
    assert "| mergekit-evolve | 2 | 61.0 [60.0, 62.0] | 1920 |  | -6.5 [-8.0, -5.0] |" in text
    assert sorted(each.suffix for each in tmp_path.iterdir()) == [".jsonl", ".md", ".svg"]


def test_a_seed_of_all_comes_before_the_next() -> None:
    job = parse(["--landscapes", "tiny", "--entries", "tpe,random", "--seeds", "2-3"])
    assert [*job.runs()] == [
        (2, "tiny", "tpe"), (2, "tiny", "random"), (3, "tiny", "tpe"), (3, "tiny", "random"),
    ]  # fmt: skip


def test_unknown_entries_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--entries", "tpe,gradient"])
    assert "unknown: gradient" in capsys.readouterr().err
