"""`crucible` as a child of the service, which does not outlive it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from search.serving.settings import TOKEN, Settings
from search.working.child import STORAGE

_START = (
    "import os, sys; from evaluators.engines.lifeline import die_with_parent;"
    " die_with_parent(int(sys.argv.pop(1)));"
    f" sys.argv[2:2] = ['--storage', os.environ.pop({STORAGE!r})];"
    " from search.cli import main; main()"
)


def command(*arguments: str) -> list[str]:
    """The command line of a `crucible` process that dies with this one, less its storage.

    Linux watches the thread that starts a process: let one do that which lives as long as the service.
    """
    return [sys.executable, "-P", "-c", _START, str(os.getpid()), *arguments]


def environment(settings: Settings, gpus: Sequence[str] = ()) -> Mapping[str, str]:
    """Its environment: the storage, whose URL may hold a password; its GPUs; no token; hub if allowed."""
    own = {name: value for name, value in os.environ.items() if name != TOKEN} | {STORAGE: settings.storage}
    if gpus:
        own["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    return own if settings.allow_hub else {**own, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}


def last_words(log: Path) -> str:
    """The last line that a process wrote into its log; of an error of ours, the error."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines()]
    told = next((line for line in reversed(lines) if line), "")
    return told.removeprefix("crucible: ") or "it ended without a word"
