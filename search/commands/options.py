"""What several commands share: options, and how a command ends that is interrupted."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer

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
StudyName = Annotated[str, typer.Argument(help="A study's name, as its file says.", metavar="STUDY")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to standard output.")]
AllowPickle = Annotated[
    bool,
    typer.Option(
        "--allow-pickle",
        help="Read pickled weights (.bin), too, as weights only: no code in them is run.",
    ),
]
Trial = Annotated[
    int | None, typer.Option(help="This trial instead of the best candidate.", show_default=False)
]


def chosen(storage: str | None) -> str:
    """The storage that was asked for, else the one in the working directory."""
    from search.study_file.spec import DEFAULT_STORAGE

    return storage or DEFAULT_STORAGE


def typed() -> str:
    """The command as it was typed."""
    return shlex.join(["crucible", *sys.argv[1:]])


@contextmanager
def resumable(command: str, kept: str = "Everything measured is kept") -> Iterator[None]:
    """End the process cleanly where it is interrupted, and say what is left and how to go on."""
    from search.running.interrupt import Interrupted, interruptible

    try:
        with interruptible():
            yield
    except Interrupted as signal:
        leave(f"\nStopped by {signal}. {kept}; to go on: {command}", signal.exit_code)


def say(text: str) -> None:
    """Print what came of it; a disk that is full, or a reader that is gone, is no reason for a traceback."""
    try:
        print(text, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python would try again on its way out
        leave(f"crucible: done, but standard output cannot be written to ({error.strerror}): {text}", 1)


def leave(message: str, code: int) -> NoReturn:
    """End the process with a message on standard error."""
    print(message, file=sys.stderr)
    sys.exit(code)
