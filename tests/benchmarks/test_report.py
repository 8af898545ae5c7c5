from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.__main__ import PARTS, parse, save
from benchmarks.cold import ColdResult, Growth
from benchmarks.machine import describe_machine
from benchmarks.peers import PeerResult
from benchmarks.results import Results
from benchmarks.samples import Samples
from benchmarks.tables import to_markdown
from benchmarks.warm import WarmResult

COPY = Samples((0.1, 0.1, 0.12))
RESULTS = Results(
    machine=describe_machine(),
    settings={"runs": 3},
    warm=(
        WarmResult("linear", "cpu", 3_000_000_000, 9.5, COPY, Samples((0.15, 0.16, 0.18)), 0.0),
        WarmResult("ties", "cpu", 3_700_000_000, 30.0, COPY, Samples((0.5, 0.4, 0.6)), 0.9),
        WarmResult("tsv", "cpu", 3_700_000_000, 300.0, COPY, Samples((2.0, 2.0, 2.4)), 0.0),
    ),
    cold=(
        ColdResult(
            "ties", 45.0, Samples((5.0, 6.0, 7.0)), Samples((8.0, 8.0, 9.0)), 900_000_000, 2_000_000_000
        ),
    ),
    growth=(Growth("ties", {3: 900_000_000, 6: 910_000_000}),),
    peers=(PeerResult("ties", Samples((0.4,)), Samples((110.0,)), Samples((6.0,)), Samples((120.0,))),),
    notes=("mergekit was not measured: no reason",),
    complete=True,
)


@pytest.mark.parametrize(
    "row",
    [
        "| `linear` | cpu | 3.00 GB | 0.1 s | 0.16 s | 1.6 (1.5–1.6) | ≤ 2 ✓ | 9.5 s |",
        "| `ties` | cpu | 3.70 GB | 0.1 s | 0.5 s | 5 (4–5) (others kept 0.9 cores busy) | ≤ 3 ✗ | 30.0 s |",
        "| `tsv` | cpu | 3.70 GB | 0.1 s | 2 s | 20 (20–20) |  | 300.0 s |",
        "| `ties` | 45.0 s | 6.00 s (5.00–7.00) | 8.00 s | 900 MB (first run 2000 MB ✗) |",
        "| `ties` | 900 MB | 910 MB |",
        "| `ties` | 0.400 s | 110.0 s | 275 (275–275), ≥ 250 ✓ | 6.00 s | 120.0 s | 20 (20–20), ≥ 10 ✓ |",
        "- mergekit was not measured: no reason",
    ],
)
def test_the_table_says_what_was_measured_and_whether_it_is_enough(row: str) -> None:
    assert row in to_markdown(RESULTS).splitlines()


def test_what_was_not_measured_has_no_table_and_an_unfinished_run_says_so() -> None:
    page = to_markdown(Results(RESULTS.machine, {}))
    assert "|" not in page
    assert "not complete" in page


def test_every_sample_is_kept_beside_what_follows_from_it(tmp_path: Path) -> None:
    job = replace(parse(["--models", str(tmp_path)]), out=tmp_path)
    save(job, RESULTS)
    (file,) = tmp_path.glob("*.json")
    ties = json.loads(file.read_text())["warm"][1]
    assert ties["candidate"] == [0.5, 0.4, 0.6]
    assert (ties["floor"], ties["median"], ties["ratio"]["value"]) == (0.1, 0.5, 5.0)
    picture = file.with_suffix(".svg").read_bytes()
    save(job, RESULTS)
    assert file.with_suffix(".svg").read_bytes() == picture


def test_a_choice_of_measurements_leaves_a_whole_runs_results_alone(tmp_path: Path) -> None:
    assert parse([]).whole
    assert parse([]).parts == PARTS
    job = replace(parse(["--only", "warm", "--methods", "ties,linear"]), out=tmp_path)
    save(job, RESULTS)
    assert {file.stem.rpartition("-")[2] for file in tmp_path.iterdir()} == {"partial"}


def test_unknown_names_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--methods", "tiez"])
    assert "unknown: tiez" in capsys.readouterr().err
