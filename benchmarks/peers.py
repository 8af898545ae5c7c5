"""mergekit side by side: the same configs, in turns with ours, in an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.candidates import EXPERTS
from benchmarks.cold import Place, crucible_merge
from benchmarks.processes import CommandError, run_command
from benchmarks.samples import Samples, clock, say
from merging.methods.registry import Method

VERSION = "0.1.5"
HERE = Path(__file__).parent
_ENVIRONMENT = HERE / ".mergekit"
_CHILD = HERE / "mergekit_child.py"


class SkippedError(RuntimeError):
    """mergekit can't be run here; the message says why."""


@dataclass(frozen=True)
class PeerResult:
    """One method, ours and mergekit's, each repetition of all four right after another."""

    method: str
    warm: Samples
    """Ours, into a reused buffer."""
    merge: Samples
    """mergekit's `run_merge`, inside its process."""
    cold: Samples
    """`crucible merge`, the whole process."""
    whole: Samples
    """`mergekit-yaml`, the whole process."""


def find_mergekit(given: str | None) -> str:
    """An interpreter that has mergekit: the one given, else of an environment made beside this file.

    Raises:
        SkippedError: it lacks mergekit 0.1.5, or could not be made.
    """
    python = given or str(_ENVIRONMENT / "bin" / "python")
    try:
        if not given and not _ENVIRONMENT.exists():
            _make_environment(python)
        found = _output([python, "-c", "from importlib.metadata import version; print(version('mergekit'))"])
    except (subprocess.SubprocessError, OSError) as error:
        raise SkippedError(f"no mergekit: {_reason(error)}") from None
    if found.strip() != VERSION:
        raise SkippedError(f"{python} has mergekit {found.strip()}; {VERSION} is compared with")
    return python


def measure_peers(
    place: Place,
    models: Sequence[Path],
    methods: Sequence[Method],
    warm: Callable[[Method], Callable[[int], None]],
    python: str,
    repetitions: int,
) -> Iterator[PeerResult]:
    """Time each method in both programs."""
    for method in methods:
        run = warm(method)
        run(-1)
        _ours(place, models, method, 0)  # makes the caches
        rows = [_repetition(place, models, method, run, python, i) for i in range(repetitions)]
        columns = [Samples(tuple(column)) for column in zip(*rows, strict=True)]
        yield PeerResult(method.name, *columns)


def _repetition(
    place: Place, models: Sequence[Path], method: Method, warm: Callable[[int], None], python: str, i: int
) -> tuple[float, float, float, float]:
    warm(i)  # a whole process ran in between
    ours = clock(lambda: warm(i + 1000))
    cold = _ours(place, models, method, i)
    merge, whole = _mergekit(place, models, method, python, i)
    say(
        f"{method.name}: warm {ours:.3f} s, mergekit {merge:.1f} s; cold {cold:.2f} s, mergekit {whole:.1f} s"
    )
    return ours, merge, cold, whole


def _ours(place: Place, models: Sequence[Path], method: Method, i: int) -> float:
    file = place.write_config(method, models[: EXPERTS + 1], i)
    return crucible_merge(place, file, f"caches-{method.name}").seconds


def _mergekit(
    place: Place, models: Sequence[Path], method: Method, python: str, i: int
) -> tuple[float, float]:
    """Seconds of the merge itself and of the whole process."""
    place.make_ready()
    times, file = place.folder / "times.json", place.write_config(method, models[: EXPERTS + 1], i)
    options = ["--lazy-unpickle", "--quiet", "--no-copy-tokenizer", "--no-write-model-card"]
    command = [python, str(_CHILD), str(times), str(file), str(place.out), *options]
    threads = str(len(os.sched_getaffinity(0)))
    done = run_command(command, {"OMP_NUM_THREADS": threads, "HF_HUB_OFFLINE": "1"}, place.folder)
    if not any(place.out.glob("*.safetensors")):
        raise CommandError(f"mergekit wrote no checkpoint into {place.out}")
    return json.loads(times.read_text())["seconds"], done.seconds


def _make_environment(python: str) -> None:
    """The only download that benchmarks make."""
    say(f"making {_ENVIRONMENT} with mergekit {VERSION}: this downloads it and its own torch")
    try:
        _output([sys.executable, "-m", "venv", str(_ENVIRONMENT)])
        _output([python, "-m", "pip", "install", "--quiet", f"mergekit=={VERSION}"])
    except BaseException:
        shutil.rmtree(_ENVIRONMENT, ignore_errors=True)
        raise


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def _reason(error: Exception) -> str:
    said = getattr(error, "stderr", None) or str(error)
    return str(said).strip().splitlines()[-1]
