"""The benchmark of proposals: both ledgers propose the same, and the table says what each took."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import proposals


def test_both_propose_the_same_and_the_table_says_what_it_took(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--trials", "12", "--params", "4", "--proposals", "3", "--samplers", "tpe,auto"]
    proposals.main([*small, "--databases", "sqlite", "--out", str(tmp_path)])
    (written,) = tmp_path.glob("*-proposals.json")
    rows = json.loads(written.read_text())["rows"]
    assert [(row["database"], row["sampler"], row["same"]) for row in rows] == [
        ("sqlite", "tpe", True),
        ("sqlite", "auto", None),
    ]
    assert set(rows[0]["steps"]) == {"create", "read", "sampler", "write", "note", "tell"}
    assert sum(rows[0]["steps"].values()) >= rows[0]["after"] * 0.5
    table = capsys.readouterr().out
    assert table == written.with_suffix(".md").read_text()
    assert "(at most 50 ms)" in table
