"""What several commands share: options, and how a command ends that is interrupted."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from search.signals.logs import log_end, structured

STOPPED = 3
"""Exit code of what ended because `crucible stop` asked for it."""
Storage = Annotated[
    str | None,
    typer.Option(
        help="Database URL of the study store, e.g. sqlite:///crucible.db or postgresql+psycopg://host/db."
        " Wins over the study file; by default sqlite:///crucible.db in the working directory.",
        metavar="URL",
        show_default=False,
    ),
]
StudyFile = Annotated[
    Path, typer.Argument(help="A study file; see examples/tiny/study.yaml.", metavar="STUDY.yaml")
]
WarmStart = Annotated[
    str | None,
    typer.Option(
        help="Begin with the best trials of another study in the same storage, over the same models.",
        metavar="STUDY",
        show_default=False,
    ),
]
StudyName = Annotated[str, typer.Argument(help="A study's name, as its file says.", metavar="STUDY")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to standard output.")]
AllowPickle = Annotated[
    bool,
    typer.Option(
        "--allow-pickle",
        help="Read pickled weights (.bin), too, as weights only: no code in them is run.",
    ),
]
Webhook = Annotated[
    str | None,
    typer.Option(
        help="Tell this http(s) address when the study ends, fails or stalls; see docs/signals.md.",
        metavar="URL",
        envvar="CRUCIBLE_WEBHOOK",
        show_default=False,
        show_envvar=True,
    ),
]
StallMinutes = Annotated[
    float,
    typer.Option(min=1.0, help="Minutes without evidence, workers being at work, that count as a stall."),
]
Metrics = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=65535,
        help="Serve metrics for Prometheus at http://127.0.0.1:PORT/metrics.",
        metavar="PORT",
        show_default=False,
    ),
]
Log = Annotated[
    Literal["text", "json"],
    typer.Option(help="Progress and messages for people, or as JSON lines, on standard error."),
]
Trial = Annotated[
    int | None, typer.Option(help="This trial instead of the best candidate.", show_default=False)
]
Trials = Annotated[
    int | None,
    typer.Option(min=1, help="Trials in all, those of earlier runs included.", show_default=False),
]
Hours = Annotated[
    float | None, typer.Option(min=0.0, help="Hours from now to the verdict.", show_default=False)
]
Until = Annotated[
    str | None,
    typer.Option(
        help="When the verdict has to be there: the next 07:00, or a date with its time, 2026-11-28T07:00.",
        metavar="TIME",
        show_default=False,
    ),
]
Anyway = Annotated[
    bool, typer.Option("--anyway", help="Search even where no search item tells one baseline from another.")
]


def chosen(storage: str | None) -> str:
    """The storage that was asked for, else the one in the working directory."""
    from studies.store.connect import DEFAULT_STORAGE

    return storage or DEFAULT_STORAGE


def typed() -> str:
    """The command as it was typed, but for a webhook's address: that may be a secret."""
    return shlex.join(["crucible", *_without_secrets(sys.argv[1:])])


def _without_secrets(arguments: Sequence[str]) -> Iterator[str]:
    option = "--webhook"
    for before, each in pairwise(["", *arguments]):
        if before == option:
            yield "URL"
        else:
            yield f"{option}=URL" if each.startswith(f"{option}=") else each


@contextmanager
def resumable(command: str, kept: str = "Everything measured is kept") -> Iterator[None]:
    """End the process cleanly where it is interrupted, and say what is left and how to go on."""
    from search.running.ending import Halted
    from search.running.interrupt import Interrupted, interruptible

    try:
        with interruptible():
            yield
    except Interrupted as signal:
        leave(f"\nStopped by {signal}. {kept}; to go on: {command}", signal.exit_code)
    except Halted as halted:
        leave(f"\nStopped by `{halted}`. {kept}; to go on: {command}", STOPPED)


def say(text: str) -> None:
    """Print what came of it; a disk that is full, or a reader that is gone, is no reason for a traceback."""
    try:
        print(text, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python would try again on its way out
        leave(f"crucible: done, but standard output cannot be written to ({error.strerror}): {text}", 1)


def leave(message: str, code: int) -> NoReturn:
    """End the process with a message on standard error."""
    remark(message, code)
    sys.exit(code)


def remark(message: str, code: int = 0) -> None:
    """Say on standard error, in the form in which logs are, how the command ends."""
    if structured():
        log_end(message, code)
    else:
        print(message, file=sys.stderr)
