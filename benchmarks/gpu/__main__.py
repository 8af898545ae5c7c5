"""Tries everything that needs a GPU in at most eight minutes: `python -m benchmarks.gpu --out DIR`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.gpu.report import Part, Report, save
from benchmarks.gpu.running import Place, Plan, run_part, work_folder

PLANS = (
    Plan("describing", "The machine and its software.", 60),
    Plan(
        "agreeing", "CPU and device make the same candidate, to the last bit; apart in ulps and at most.", 100
    ),
    Plan("residing", "Models that stay on the device and that stream to it give the CPU's bytes.", 35),
    Plan("merging_speed", "Candidates of 0.37B parameters against copies of the same traffic there.", 115),
    Plan("largest", "Kernels over a 7B's shapes, weights made on the device, against copies there.", 55),
    Plan("swapping", "A candidate into the transformers engine in place.", 35),
    Plan("serving", "A candidate into vLLM: swap, checks, canary, and how busy the engine is kept.", 80),
)
BUDGET = sum(plan.share for plan in PLANS)
"""Seconds in all: eight minutes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts; 0 if none failed and something was tried."""
    given = _parse(arguments)
    settings: dict[str, Any] = {"device": given.device, "small": given.small, "budget_s": given.budget}
    began = time.monotonic()
    report = Report(settings, {})
    plans = [
        plan for plan in PLANS if plan.name == "describing" or (not given.only or plan.name in given.only)
    ]
    given.out.mkdir(parents=True, exist_ok=True)
    with work_folder() as work:
        place = Place(given.device, given.small, work, given.out.resolve() / "log.txt")
        place.log.write_bytes(b"")
        for i, plan in enumerate(plans):
            left = given.budget - (time.monotonic() - began)
            share = left * plan.share / sum(each.share for each in plans[i:])
            report = _with_part(report, plan, place, share, given.out)
    tried = [part for part in report.parts if part.status != "skipped" and part.name != "describing"]
    report = replace(report, seconds=round(time.monotonic() - began, 1), complete=True)
    save(report, given.out)
    sys.stdout.write(report.to_markdown().partition("\n\n## ")[0] + "\n")
    return int(not tried or any(part.status == "failed" for part in report.parts))


def _with_part(report: Report, plan: Plan, place: Place, share: float, out: Path) -> Report:
    """The report with one more part, on disk after each of its rows."""

    def with_(part: Part) -> Report:
        machine = report.machine
        if part.name == "describing" and part.rows:
            machine = {k: v for k, v in part.rows[0].items() if k not in ("name", "status")}
        seconds = sum(each.seconds for each in report.parts) + part.seconds
        return replace(report, machine=machine, parts=(*report.parts, part), seconds=round(seconds, 1))

    unusable = next(
        (each.reason for each in report.parts if each.status == "skipped" and each.name == "describing"), ""
    )
    if unusable:
        part = Part(plan.name, plan.what, "skipped", unusable, 0.0, round(share, 1))
    else:
        sys.stderr.write(f"{plan.name}: at most {share:.0f} s\n")
        part = run_part(plan, place, share, lambda so_far: save(with_(so_far), out))
        sys.stderr.write(f"{plan.name}: {part.status}, {part.seconds:.0f} s {part.reason}\n")
    save(found := with_(part), out)
    return found


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for results.json, results.md, log.txt"
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--small", action="store_true", help="tiny models: the same code in a minute")
    parser.add_argument("--budget", type=float, default=BUDGET, help=f"seconds in all ({BUDGET:.0f})")
    parser.add_argument("--only", help="a comma-separated choice of parts")
    given = parser.parse_args(arguments)
    known = {plan.name for plan in PLANS}
    given.only = tuple(given.only.split(",")) if given.only else None
    if strays := {*(given.only or ())} - known:
        parser.error(f"--only: unknown: {', '.join(sorted(strays))}; known: {', '.join(sorted(known))}")
    return given


if __name__ == "__main__":
    sys.exit(main())
