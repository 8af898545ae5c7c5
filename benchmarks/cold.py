"""Cold runs: `crucible merge` from the start of the process to a checkpoint on disk."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.candidates import EXPERTS, config
from benchmarks.neighbours import wait_until_quiet
from benchmarks.processes import Finished, run_command
from benchmarks.samples import Samples, say
from merging.methods.registry import Method

REPO = Path(__file__).parents[1]


@dataclass(frozen=True)
class ColdResult:
    """A method's whole runs: the very first, with no cache at all, and later ones."""

    method: str
    first: float
    later: Samples
    processor: Samples
    """Processor seconds of the later runs: where these stay and times grow, others used the machine."""
    peak_anonymous: int
    """Bytes, over the later runs."""
    peak_anonymous_first: int


@dataclass(frozen=True)
class Growth:
    """Peak anonymous memory of one merge by the number of experts, with all caches made."""

    method: str
    bytes_by_experts: Mapping[int, int]


@dataclass(frozen=True)
class Place:
    """Where runs write: configs, checkpoints that are thrown away, and caches that start out empty."""

    folder: Path
    patience: float = 0.0
    """Seconds that a run waits for a quiet machine."""

    @property
    def out(self) -> Path:
        """The checkpoint of a run."""
        return self.folder / "out"

    def environment(self, caches: str) -> dict[str, str]:
        """Variables that put every cache, ours and the compiler's, under a folder of this name."""
        return cache_environment(self.folder / caches)

    def write_config(self, method: Method, models: Sequence[Path], repetition: int) -> Path:
        """Write the config that both programs read."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{method.name}-{len(models) - 1}-{repetition}.yaml"
        file.write_text(config(method, models, repetition))
        return file

    def make_ready(self) -> None:
        """Remove the last run's checkpoint, and let disk and neighbours finish what they do."""
        shutil.rmtree(self.out, ignore_errors=True)
        os.sync()
        wait_until_quiet(self.patience)


def cache_environment(folder: Path) -> dict[str, str]:
    """Variables that put every cache under a folder."""
    return {"XDG_CACHE_HOME": str(folder), "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor")}


def crucible_merge(place: Place, file: Path, caches: str) -> Finished:
    """One whole run; its checkpoint stays until the next."""
    place.make_ready()
    command = [sys.executable, "-m", "search", "merge", str(file), str(place.out)]
    return run_command(command, place.environment(caches), REPO)


def measure_cold(
    place: Place, models: Sequence[Path], methods: Sequence[Method], repetitions: int
) -> Iterator[ColdResult]:
    """Time each method's first run, then others with the caches that it left."""
    for method in methods:
        caches = f"caches-{method.name}"
        shutil.rmtree(place.folder / caches, ignore_errors=True)
        runs = [
            crucible_merge(place, place.write_config(method, models[: EXPERTS + 1], i), caches)
            for i in range(repetitions + 1)
        ]
        result = _result(method, runs)
        say(
            f"cold {method.name}: first {result.first:.2f} s, later {result.later.median:.2f} s,"
            f" {result.peak_anonymous / 1e6:.0f} MB anonymous"
        )
        yield result


def measure_growth(
    place: Place, models: Sequence[Path], method: Method, counts: Sequence[int], repetitions: int = 3
) -> Growth:
    """Peak anonymous memory with so many experts, each with its own content; the first run fills caches."""
    caches, peaks = f"caches-{method.name}", {}
    for count in counts:
        files = [place.write_config(method, models[: count + 1], i) for i in range(repetitions)]
        runs = [crucible_merge(place, file, caches) for file in files]
        peaks[count] = max(run.peak_anonymous for run in runs[1:])
        say(f"memory {method.name}, {count} experts: {peaks[count] / 1e6:.0f} MB anonymous")
    return Growth(method.name, peaks)


def _result(method: Method, runs: Sequence[Finished]) -> ColdResult:
    first, *later = runs
    return ColdResult(
        method=method.name,
        first=first.seconds,
        later=Samples(tuple(run.seconds for run in later)),
        processor=Samples(tuple(run.processor_seconds for run in later)),
        peak_anonymous=max(run.peak_anonymous for run in later),
        peak_anonymous_first=first.peak_anonymous,
    )
