"""One submitted study at work: a `crucible run` in a process of its own."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from search.errors import SearchError
from search.serving.admission.admit import STUDY_FILE, Rules, lay_out
from search.serving.child import command, environment, last_words
from search.serving.settings import Settings
from search.study_file.spec import StudySpec
from search.working.child import AT_ONCE, STEADY_S
from studies.store.identity import JSON
from studies.store.rows import StudySummary
from studies.workers.submissions import Submission, SubmissionState

LOG = "run.log"
STOPPED = (3, 128 + signal.SIGINT, 128 + signal.SIGTERM, -signal.SIGINT, -signal.SIGTERM)
"""Exit codes of a run that was asked to end, in whichever way."""
Slot = tuple[str, ...]
"""GPUs that one study gets, as CUDA_VISIBLE_DEVICES names them; none of a machine or a cluster without."""


@dataclass(frozen=True)
class Run:
    """A study's process, and where it says what it does."""

    name: str
    slot: Slot
    process: subprocess.Popen[bytes]
    log: Path
    began: float = field(default_factory=time.monotonic)

    @property
    def is_steady(self) -> bool:
        """Whether it began so long ago that its end is no failed start."""
        return time.monotonic() - self.began >= STEADY_S


def slots_of(gpus: Sequence[str], workers: int | None) -> tuple[Slot, ...]:
    """One for each study that there is room for at a time; `workers` of each have a GPU apiece.

    Raises:
        SearchError: more workers than there are GPUs.
    """
    if not gpus:
        return ((),)
    each = workers or len(gpus)
    if each > len(gpus):
        raise SearchError(f"--workers {each}: there are {len(gpus)} GPUs, one for each worker; give fewer")
    return tuple(tuple(gpus[i : i + each]) for i in range(0, len(gpus) - each + 1, each))


def folder_of(settings: Settings, name: str) -> Path:
    """The folder of a study's file, and of its log; not every name is one of a file."""
    return settings.folder / "studies" / hashlib.sha256(name.encode()).hexdigest()[:16]


def start_run(settings: Settings, submission: Submission, slot: Slot) -> Run:
    """Start a study's process; its file is looked at again, for folders may have changed since.

    Raises:
        Refused: the file says something that may not be read, by now.
        OSError: the file cannot be written, or no process started.
    """
    folder = folder_of(settings, submission.name)
    log = folder.with_name(f"{folder.name}.{LOG}")
    spec = lay_out(submission.study, folder, Rules(settings.models, settings.allow_hub))
    arguments = run_arguments(settings, submission.options, workers_of(settings, spec, slot))
    with log.open("ab") as said:
        process = subprocess.Popen(
            command("run", str(folder / STUDY_FILE), *arguments),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=environment(settings, slot),
            start_new_session=True,
        )
    return Run(submission.name, slot, process, log)


def workers_of(settings: Settings, spec: StudySpec, slot: Slot) -> int | None:
    """How many worker processes a study gets: as were asked for, but where there are GPUs, as fit on them."""
    if not slot or spec.engine.name == "fake":
        return settings.workers
    return max(1, len(slot) // spec.engine.tensor_parallel)


def run_arguments(settings: Settings, options: Mapping[str, JSON], workers: int | None) -> list[str]:
    """What `crucible run` is told besides the study and its storage."""
    said = [f"--{name}={value}" for name, value in options.items() if not isinstance(value, bool)]
    said += [f"--{name}" for name, value in options.items() if value is True]
    said += [] if settings.ray is None else [f"--ray={settings.ray}"]
    return said if workers is None else [*said, f"--workers={workers}"]


def outcome(run: Run, study: StudySummary | None) -> tuple[SubmissionState, str | None]:
    """How a run ended whose process is gone, by its exit code and by what the store says of the study."""
    code = run.process.returncode
    if code == 0:
        return "ended", None if study is None else study.reason
    if code in STOPPED:
        return "stopped", "stopped before it began" if study is None else study.reason
    if code == AT_ONCE:
        return "queued", None
    if code < 0:
        return "failed", f"its process was ended by {signal.Signals(-code).name}, with all measured kept"
    return "failed", last_words(run.log)
