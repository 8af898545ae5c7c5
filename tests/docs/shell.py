"""A reader's shell: a folder with a study in it, and `crucible` on the path."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.search.conftest import small_study, write_study

REPO = Path(__file__).parents[2]
ENGINE = {"name": "fake", "seconds": 0.2, "max_tokens": 8}
SOON_S = 120.0


@dataclass
class Shell:
    """Runs lines of a page with bash, and ends in the end what they left running."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    user: str | None = None
    _groups: list[int] = field(default_factory=list)

    def run(self, lines: str, code: int = 0) -> str:
        """What the lines print; they must end with that exit code."""
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", lines],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(REPO), **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            user=self.user,
        )
        self._groups.append(process.pid)
        said, _ = process.communicate(timeout=SOON_S)
        assert process.returncode == code, f"{lines}\nexit code {process.returncode}\n{said}"
        return said

    def close(self) -> None:
        """End what is still running."""
        for group in self._groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


def study_in(folder: Path) -> Path:
    """A study named `tiny` as on the pages, whose engine is no model.

    It takes some ten seconds, so that what a page does to workers in the middle finds them at work.
    """
    study = small_study(24, engine=ENGINE, objective="gold_logprob")
    return write_study(folder, {**study, "slices": study["slices"][:2]})  # type: ignore[index]


def with_commands(folder: Path, **commands: Path) -> Mapping[str, str]:
    """A PATH on which these commands, and `crucible`, come first."""
    folder.mkdir()
    crucible = folder / "crucible"
    crucible.write_text(f'#!/bin/sh\nexec {sys.executable} -m search "$@"\n')
    crucible.chmod(0o755)
    for name, command in commands.items():
        shutil.copy(command, folder / name)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def soon(true: Callable[[], object]) -> None:
    """Wait until it is."""
    end = time.monotonic() + SOON_S
    while not true():
        assert time.monotonic() < end, "not soon enough"
        time.sleep(0.1)


def free_port() -> int:
    """One that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
