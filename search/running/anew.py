"""A command that begins anew in its own process, where an engine hangs that nothing else can stop.

The process keeps its number, its streams and its command line; everything else of it ends as if it had been
killed, and is found again in the store.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass

from search.running.interrupt import heard

EARLIER = "CRUCIBLE_EARLIER"
"""The environment variable by which a command hears of what it goes on with."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Earlier:
    """What one who goes on with a command has to know of its beginning."""

    failed: tuple[int, ...]
    """The trials that had failed by then, of the last that had ended."""
    end: float | None = None
    """When its time is over, by `time.monotonic`, which counts on; None where the command line says so."""

    def to_text(self) -> str:
        """As EARLIER holds it."""
        return json.dumps(asdict(self))


def earlier() -> Earlier | None:
    """What this process goes on with; None if its command begins just now. Is told once."""
    said = os.environ.pop(EARLIER, None)
    if said is None:
        return None
    known = json.loads(said)
    return Earlier(tuple(known["failed"]), known["end"])


def begin_anew(known: Earlier, environment: Mapping[str, str]) -> None:
    """Put a new process of the same command line in the place of this one, from any thread of it.

    Ends the process instead if a signal asked for that, which a main thread that hangs cannot hear. Returns
    only if neither can be done.
    """
    if (signal := heard()) is not None:
        logger.warning("not begun anew, for %s asked it to end; the same command goes on", signal)
        os._exit(signal.exit_code)
    _close_on_exec()
    command = [sys.executable, *sys.orig_argv[1:]]
    try:
        os.execve(sys.executable, command, {**os.environ, **environment, EARLIER: known.to_text()})
    except OSError as error:
        logger.error("it cannot begin anew (%s)", error.strerror)


def _close_on_exec() -> None:
    """Leave the new process the standard streams alone: what a driver has opened would keep its memory."""
    for each in map(int, os.listdir("/dev/fd")):
        if each > 2:
            with suppress(OSError):  # closed in the meantime
                os.set_inheritable(each, False)
