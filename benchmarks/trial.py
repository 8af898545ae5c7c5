"""Where a trial's time goes: `python -m benchmarks.trial [--engine vllm] [--trials 20] [--json]`.

It runs the tiny study, scaled so that a trial asks 501 items, and takes the time of our own functions from
outside: what one function spends in another that is timed counts there only. What another thread does
meanwhile, grading above all, is told apart. The engine is busy while it answers, and at no other time.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

import yaml

import evaluators.judge as judging
import search.working.work as working
from benchmarks.machine import describe_machine
from benchmarks.samples import say
from benchmarks.spent import WAITING, Clock, TrialTimes
from evaluators.benchmarks import graders
from evaluators.engines.process import EngineProcess
from evaluators.engines.transformers import TransformersEngine
from evaluators.engines.vllm.engine import VllmEngine
from search.proposals.ledger import Ledger
from search.running.measure import Bench
from search.running.search import Search, open_search
from search.showing.step import Step
from search.study_file.spec import load_study
from search.working.terms import Terms
from studies.store import StudyStore

HERE = Path(__file__).parent
TINY = HERE.parent / "examples" / "tiny"
ITEMS = 167
"""Per slice: three slices make 501."""


PARTS = {"merge": "merging", "reset": "cache reset", "canary": "canary"}
"""Of a load in vLLM's process, and what we call them."""
STORE = ("record", "measured", "tallies", "logprobs", "enter", "finish_candidate")
LEDGER = ("standing", "create", "draw", "note", "tell", "fail")


def measure(engine: str, trials: int, folder: Path) -> TrialTimes:
    """Run the study in a folder, and take the time of its trials after the first."""
    clock = Clock()
    found: list[dict[str, float]] = []
    beside: list[dict[str, float]] = []
    said: list[str] = []
    began = 0.0

    def report(step: Step) -> None:
        nonlocal began
        now, spent, meanwhile = perf_counter(), clock.take(), clock.take_beside()
        if step.phase == "trials":
            found.append({**spent, "whole": now - began})
            beside.append(meanwhile)
        began = now
        if step.reason:
            say(f"{step.name} failed: {step.reason}")

    def opened(bench: Bench, *arguments: Any) -> Search:
        said.append(bench.engine.description)
        return open_search(bench, *arguments)

    with _watched(clock), patch.object(working, "open_search", opened):
        spec = load_study(_study(engine, trials, folder))
        working.work(spec, f"sqlite:///{folder / 'crucible.db'}", Terms(), report)
    times = tuple(_with_rest(each) for each in found[1:])
    load = os.getloadavg()[0]
    return TrialTimes(describe_machine(), said[0], 3 * ITEMS, times, load, tuple(beside[1:]))


@contextmanager
def _watched(clock: Clock) -> Iterator[None]:
    """Our functions timed, for as long as the block runs."""
    names = {"gsm8k": "grading gsm8k", "humaneval": "grading code", "minerva_math": "math-verify"}
    timed = [
        (graders, "run_tests", "sandbox"),
        (VllmEngine, "load", "swap"),
        (VllmEngine, "generate", "texts and tokens"),
        (TransformersEngine, "load", "merging"),
        (TransformersEngine, "generate", "generation"),
        (judging._Desk, "settle", WAITING),
        *((Ledger, verb, "Optuna") for verb in LEDGER),
        *((StudyStore, verb, "store") for verb in STORE),
    ]
    with ExitStack() as stack:
        for home, name, label in timed:
            stack.enter_context(patch.object(home, name, clock.timed(label, getattr(home, name))))
        stack.enter_context(patch.object(EngineProcess, "ask", _ask(clock, EngineProcess.ask)))
        grading = {name: clock.timed(label, graders.GRADERS[name]) for name, label in names.items()}
        stack.enter_context(patch.dict(graders.GRADERS, grading))
        yield


def _ask(clock: Clock, plain: Callable[..., Any]) -> Callable[..., Any]:
    """Questions to vLLM's process, timed; a load says itself where its time went."""

    def ask(process: EngineProcess, verb: str, *arguments: Any, **options: Any) -> Any:
        if verb == "verify":  # math-verify's own process
            return plain(process, verb, *arguments, **options)
        label = "generation" if verb == "ask" else "swap"
        reply = clock.timed(label, plain)(process, verb, *arguments, **options)
        if verb == "load":
            for name, label in PARTS.items():
                seconds = reply.get("seconds", {}).get(name, 0.0)
                clock.add(label, seconds)
                clock.add("swap", -seconds)  # what is left: weights, checksums, and the way there and back
        return reply

    return ask


def _with_rest(spent: Mapping[str, float]) -> dict[str, float]:
    return {**spent, "rest": 2 * spent["whole"] - sum(spent.values())}


def _study(engine: str, trials: int, folder: Path) -> Path:
    """The tiny study with so many items a slice, in a file of its own."""
    study = yaml.safe_load((TINY / "study.yaml").read_text())
    for part in study["slices"]:
        part |= {"data": str(TINY / part["data"]), "search": ITEMS, "holdout": 16}
    models = {"base_model": str(TINY / "base"), "experts": [str(TINY / each) for each in study["experts"]]}
    study |= {**models, "budget": {"trials": trials, "finalists": 1}}
    study["engine"] |= {"name": engine, "dtype": "float32"}
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(study))
    return file


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the results beside those of other machines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trial", description=__doc__.splitlines()[0])
    parser.add_argument("--engine", default="vllm", choices=("vllm", "transformers"))
    parser.add_argument("--trials", type=int, default=20, help="trials to run (20); the first does not count")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the results")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        times = measure(given.engine, given.trials, Path(folder))
    written = json.dumps(times.to_json(), indent=1) + "\n"
    name = f"{times.machine.slug}-trial" + ("" if given.engine == "vllm" else f"-{given.engine}")
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / f"{name}.json").write_text(written)
    (given.out / f"{name}.md").write_text(times.to_markdown())
    sys.stdout.write(written if given.json else times.to_markdown())


if __name__ == "__main__":
    main()
