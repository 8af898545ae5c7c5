"""What is tried on a GPU, tried on the CPU: the same code, and what happens where a part breaks or hangs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.gpu import report
from benchmarks.gpu.__main__ import BUDGET, PLANS, main
from benchmarks.gpu.agreeing import ulps
from benchmarks.gpu.families import LARGE, TINY
from benchmarks.gpu.largest import enlarged, layers_within
from benchmarks.gpu.part import SkippedError, Task, WrongError, try_each
from benchmarks.gpu.report import Part, Report, save, status_of
from benchmarks.gpu.running import Place, Plan, run_part
from merging.methods.registry import METHODS
from merging.statistics.known import TensorSet
from merging.worker.kernels import Fusion, Sce
from merging.worker.runner import Step

FORBIDDEN = ("optuna", "sqlalchemy", "alembic", "cmaes", "lm_eval", "datasets", "search", "studies")
"""Nothing of ours, or of what only other rooms need, but torch, safetensors, numpy and transformers."""


def read(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "results.json").read_text())
    return found


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Path]:
    """Everything but vLLM, which has its own tests; its status and its folder."""
    out = tmp_path_factory.mktemp("gpu")
    names = ",".join(plan.name for plan in PLANS if plan.name != "serving")
    return main(["--out", str(out), "--device", "cpu", "--small", "--only", names]), out


def test_every_part_is_right_for_every_method(small: tuple[int, Path]) -> None:
    status, out = small
    found = read(out)
    assert {part["name"]: (part["status"], part["reason"]) for part in found["parts"]} == {
        plan.name: ("ok", "") for plan in PLANS if plan.name != "serving"
    }
    assert status == 0
    assert found["complete"]
    assert found["machine"]["torch"] == torch.__version__
    rows = {part["name"]: {row["name"]: row for row in part["rows"]} for part in found["parts"]}
    for name in ("agreeing", "residing", "merging_speed", "largest"):
        assert rows[name].keys() - {"family"} == METHODS.keys(), name
    for method in METHODS:
        agreed = rows["agreeing"][method]
        assert {agreed[f"eager {dtype} ulps"] for dtype in ("float32", "bfloat16")} == {0}
        assert {rows["residing"][method][f"{mode}, as on the CPU"] for mode in ("resident", "streamed")} == {
            True
        }
        timed = rows["merging_speed"][method]
        assert timed["candidate / copy"] == pytest.approx(timed["candidate s"] / timed["copy s"])
        assert len(timed["samples"]["candidate"]) == 2
        assert rows["largest"][method]["kernels s"] > 0
    assert rows["swapping"]["answers"]["again the same"] is True
    assert rows["swapping"]["weights"]["others"] == 0


def test_people_read_a_table_of_it(small: tuple[int, Path]) -> None:
    lines = (small[1] / "results.md").read_text().splitlines()
    assert lines[6].startswith("| part | status | seconds | share | reason |")
    assert any(line.startswith("| iso_c | ok |") for line in lines)
    assert "not complete" not in "".join(lines)


def test_the_parts_take_eight_minutes_at_most() -> None:
    assert BUDGET <= 480


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_the_device_everything_is_skipped_with_the_reason(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path), "--only", "agreeing,serving"]) == 1
    parts = read(tmp_path)["parts"]
    assert [part["status"] for part in parts] == ["skipped"] * 3
    assert all("sees no CUDA device" in part["reason"] for part in parts)


def test_it_needs_four_packages_and_nothing_of_ours_beyond_them() -> None:
    modules = [f"benchmarks.gpu.{plan.name}" for plan in PLANS] + ["benchmarks.gpu.__main__"]
    script = (
        f"import sys, {', '.join(modules)}\nprint([name for name in {FORBIDDEN!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place("cpu", True, tmp_path, tmp_path / "log.txt")


def test_a_part_that_breaks_says_why_and_ends_alone(place: Place) -> None:
    part = run_part(Plan("nothing", "No such part.", 60), place, 60, lambda _: None)
    assert part.status == "failed"
    assert "ended with status 1: ModuleNotFoundError: No module named 'benchmarks.gpu.nothing'" in part.reason


def test_a_part_that_does_not_end_is_ended(place: Place) -> None:
    began = time.monotonic()
    part = run_part(Plan("agreeing", "", 0.3), place, 0.3, lambda _: None)
    assert (part.status, part.reason) == ("failed", "was ended: it did not come to an end within its 0 s")
    assert time.monotonic() - began < 5


def task(until: float) -> Task:
    return Task("cpu", True, Path("/nowhere"), until)


def test_a_row_fails_or_is_skipped_alone() -> None:
    def work(name: str) -> dict[str, Any]:
        if name == "skipped":
            raise SkippedError("no room")
        if name == "wrong":
            raise WrongError("apart", {"ulps": 3})
        return {"value": 1 / (name != "broken")}

    names = ["fine", "broken", "skipped", "wrong", "fine too"]
    rows = list(try_each(task(time.time() + 60), names, work))
    assert [row["status"] for row in rows] == ["ok", "failed", "skipped", "failed", "ok"]
    assert rows[1]["reason"] == "ZeroDivisionError: division by zero"
    assert (rows[3]["reason"], rows[3]["ulps"]) == ("apart", 3)
    assert status_of(rows) == ("failed", "broken, wrong: ZeroDivisionError: division by zero")
    assert status_of(rows[:1]) == ("ok", "")
    assert status_of([rows[0], rows[2]]) == ("ok", "skipped skipped: no room")
    assert status_of([rows[2]]) == ("skipped", "skipped skipped: no room")


def test_what_no_time_is_left_for_is_said_to_be_skipped() -> None:
    (row,) = try_each(task(time.time() - 1), ["late"], lambda name: {})
    assert (row["status"], row["reason"]) == ("skipped", "no time left in this part's share")


def test_results_are_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Report({}, {"gpu": "A"}, (Part("a", "", "ok", "", 1.0, 2.0),))
    save(first, tmp_path)
    assert read(tmp_path)["machine"] == {"gpu": "A"}
    kept = (tmp_path / "results.json").read_bytes()

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(report.os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        save(replace(first, machine={"gpu": "B"}), tmp_path)
    assert (tmp_path / "results.json").read_bytes() == kept


def test_an_unfinished_run_says_so(tmp_path: Path) -> None:
    save(Report({"device": "cuda"}, {}), tmp_path)
    assert "**This run is not complete.**" in (tmp_path / "results.md").read_text()


def test_ulps_count_the_numbers_between() -> None:
    one = torch.tensor([1.0, -1.0, 0.0])
    assert ulps(one, one.clone()) == 0
    assert ulps(one, torch.nextafter(one, torch.tensor(9.0))) == 1
    assert ulps(torch.tensor([1.0]).bfloat16(), torch.tensor([1.0 + 3 * 2.0**-7]).bfloat16()) == 3
    assert ulps(torch.tensor([0.0]), torch.tensor([-0.0])) == 1
    assert ulps(torch.tensor([2.0**-149]), torch.tensor([-(2.0**-149)])) == 3


def test_as_many_layers_as_fit() -> None:
    assert layers_within(LARGE, 70e9).layers == 32
    some = layers_within(LARGE, 40e9)
    assert 1 <= some.layers < 32
    assert 5 * some.nbytes <= 40e9 < 5 * replace(some, layers=some.layers + 1).nbytes
    with pytest.raises(SkippedError, match=r"4\.0 GB of the device's memory hold no layer"):
        layers_within(LARGE, 4e9)


def test_a_step_is_enlarged_with_its_models_statistics_and_numbers_by_row() -> None:
    small = TensorSet(torch.ones(3, 4), (torch.zeros(3, 4), torch.zeros(3, 4)), "b", ("1", "2"))
    wide = [torch.full((6, 8), float(i)) for i in range(3)]
    room = torch.zeros(4 * 48, dtype=torch.uint8)
    varied = Step(
        Sce("mergekit", True), (small.base, *small.experts, torch.ones(12)), {"cut": torch.ones(())}
    )
    step, inputs = enlarged(varied, small, wide, room)
    assert [tensor is given for tensor, given in zip(inputs[:3], wide, strict=True)] == [True] * 3
    assert (inputs[3].dtype, inputs[3].shape) == (torch.float32, (48,))
    assert step.numbers["cut"].shape == ()
    numbers = {"divergences": torch.full((3, 1), 2.0), "threshold": torch.ones(())}
    fused = Step(Fusion(), (small.base, small.experts[0]), numbers, rows=True)
    step, inputs = enlarged(fused, small, wide[:2], room)
    assert torch.equal(step.numbers["divergences"], torch.full((6, 1), 2.0))
    assert step.kernel(*inputs, **step.numbers).shape == (6, 8)


@pytest.mark.parametrize(
    ("arguments", "says"), [(["--only", "agreeing,x"], "--only: unknown: x; known: "), ([], "--out")]
)
def test_a_wrong_command_line_is_refused(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit):
        main([*arguments, *(["--out", str(tmp_path)] if arguments else [])])
    assert says in capsys.readouterr().err


def test_the_tiny_family_has_the_large_ones_tensors() -> None:
    assert {*replace(LARGE, layers=2).tensors()} == {*TINY.tensors()}
