"""A witness of what the fake engine is asked, in whatever process it runs: one line an answered batch.

The evidence cannot tell whether an answer was given twice, for it keeps the first. What the engine is asked
can: it is written down as it is answered, and survives the process.
"""

from __future__ import annotations

import ctypes
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from hashlib import sha256
from pathlib import Path
from typing import Any

LOG = "FAULTS_LOG"
"""The environment variable that names the file to write to."""
HANG = "FAULTS_HANG"
"""The one that names a file: an engine that finds it takes it away, and answers no more.

Where the file says FOR_EVER it stays, and all hang that are asked about the same candidate; where it says
DEAF, Python has no say in how long.
"""
FOR_EVER, DEAF = "for ever", "deaf"
BATCH = 64


@dataclass(frozen=True)
class Asked:
    """A batch that was answered: by which process, of which candidate, and its questions."""

    pid: int
    digest: str
    questions: tuple[str, ...]


def listen() -> None:
    """Have the fake engine of this process write down what it answers, where the environment asks for it."""
    if not os.environ.get(LOG):
        return
    from evaluators.engines.fake import FakeEngine

    for name in ("generate", "loglikelihood"):
        setattr(FakeEngine, name, _heard(getattr(FakeEngine, name)))
    FakeEngine.load = _named(FakeEngine.load)  # type: ignore[method-assign]


def heard(log: Path) -> list[Asked]:
    """All that was answered so far."""
    if not log.exists():
        return []
    lines = (json.loads(line) for line in log.read_text().splitlines())
    return [Asked(pid, digest, tuple(questions)) for pid, digest, questions in lines]


def repeated(asked: Sequence[Asked], killed: Collection[int]) -> dict[int, int]:
    """By killed process, how many of its answers were asked for again; the others' must be none.

    Raises:
        AssertionError: something was asked again that no killed process had in flight.
    """
    first: dict[tuple[str, str], int] = {}
    again: Counter[int] = Counter()
    for batch in asked:
        for question in batch.questions:
            key = (batch.digest, question)
            if key in first:
                again[first[key]] += 1
                assert first[key] in killed, f"{key} answered by {first[key]} was asked again by {batch.pid}"
            first[key] = batch.pid
    return dict(again)


def _heard(plain: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(plain)
    def ask(engine: Any, asked: Sequence[Any], *arguments: Any, **options: Any) -> Any:
        _hang_if_told(engine.witnessed)
        answers = plain(engine, asked, *arguments, **options)
        questions = [sha256(repr(each).encode()).hexdigest()[:12] for each in dict.fromkeys(asked)]
        line = json.dumps([os.getpid(), engine.witnessed, questions]) + "\n"
        descriptor = os.open(os.environ[LOG], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
        return answers

    return ask


def _named(plain: Callable[..., None]) -> Callable[..., None]:
    @wraps(plain)
    def load(engine: Any, source: Any) -> None:
        plain(engine, source)
        engine.witnessed = source.recipe.digest if hasattr(source, "recipe") else "a checkpoint"

    return load


def _hang_if_told(candidate: str) -> None:
    with suppress(KeyError, FileNotFoundError):
        file = Path(os.environ[HANG])
        told = file.read_text()
        if told not in ("", FOR_EVER, DEAF, candidate):
            return
        if told in ("", DEAF):
            file.unlink()
        else:
            file.write_text(candidate)
        if told == DEAF:
            _wait_for_itself()
        while True:
            time.sleep(3600)


def _wait_for_itself() -> None:
    """Lock a mutex twice: a call that no signal interrupts."""
    mutex = ctypes.create_string_buffer(128)
    for _ in range(2):
        ctypes.CDLL(None).pthread_mutex_lock(mutex)
