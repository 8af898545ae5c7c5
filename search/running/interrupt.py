"""Ctrl-C and SIGTERM end a search cleanly: never inside a write, and with everything measured kept."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """A signal asked the search to end; `signum` says which."""

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.signum = signum

    @property
    def exit_code(self) -> int:
        """What a shell expects of a process that a signal ended: 128 + its number."""
        return 128 + self.signum


@dataclass
class _State:
    """The process's one interruption: signals belong to a process, so this does too."""

    asked: int | None = None
    shielded: bool = False
    noted: int | None = None
    """What every signal is written into as it comes, to be read from here: the main thread may hang."""


_state = _State()


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn SIGINT and SIGTERM into `Interrupted` inside the block; a second one while it ends is ignored."""

    def handle(signum: int, _: FrameType | None) -> None:
        for each in previous:
            signal.signal(each, signal.SIG_IGN)
        _state.asked = signum
        if not _state.shielded:
            raise Interrupted(signum)

    # A signal that whoever started the process had it ignore (nohup, a background job) stays ignored.
    hearing = [each for each in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(each) != signal.SIG_IGN]
    previous = {signum: signal.signal(signum, handle) for signum in hearing}
    try:
        with _noting():
            yield
            _raise_if_asked()
    finally:
        _state.asked = None
        for signum, handler in previous.items():
            signal.signal(signum, handler)


def heard() -> Interrupted | None:
    """The signal that has asked the search to end, also if the main thread hangs; from any thread."""
    if _state.asked is not None:
        return Interrupted(_state.asked)
    try:
        come = b"" if _state.noted is None else os.read(_state.noted, 4096)
    except BlockingIOError:
        return None
    return next((Interrupted(each) for each in come if each in (signal.SIGINT, signal.SIGTERM)), None)


@contextmanager
def shielded() -> Iterator[None]:
    """Hold `Interrupted` back to the end of the block, or to the next `exposed` one within it.

    An exception out of nowhere inside a database driver or an object's finaliser can be swallowed there, or
    leave a connection in a state that its library does not expect.
    """
    with _shield(True):
        yield


@contextmanager
def exposed() -> Iterator[None]:
    """Inside a shielded block: let `Interrupted` through again, at once if a signal came before."""
    with _shield(False):
        _raise_if_asked()
        yield
        _raise_if_asked()  # one that was raised inside and swallowed there


def rest(seconds: float) -> None:
    """Sleep; in the main thread a signal ends that at once."""
    if threading.current_thread() is threading.main_thread():
        with exposed():
            time.sleep(seconds)
    else:
        time.sleep(seconds)


@contextmanager
def _noting() -> Iterator[None]:
    reader, writer = os.pipe()
    for each in (reader, writer):
        os.set_blocking(each, False)
    before, _state.noted = _state.noted, reader
    previous = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(previous)
        _state.noted = before
        os.close(reader)
        os.close(writer)


@contextmanager
def _shield(on: bool) -> Iterator[None]:
    before, _state.shielded = _state.shielded, on
    try:
        yield
    finally:
        _state.shielded = before
    _raise_if_asked()


def _raise_if_asked() -> None:
    if _state.asked is not None and not _state.shielded:
        raise Interrupted(_state.asked)
