"""Logs for machines: one JSON object a line on standard error, with no password in any of them."""

from __future__ import annotations

import logging
import math
import os
import re
import socket
import sys
import threading
from types import TracebackType
from typing import Any, Literal

from search.showing.step import Step

Log = Literal["text", "json"]

ROOMS = ("search", "studies", "evaluators", "merging")
"""Whose progress is logged; of libraries, warnings only."""
_PASSWORD = re.compile(r"(?P<before>\b[A-Za-z][\w+.-]*://[^\s/?#:@]*):[^\s/?#]*@")

logger = logging.getLogger(__name__)
_ours: list[logging.Handler] = []
"""The handler that writes JSON, while one does: standard error belongs to a process, so this does too."""
_before: dict[str, Any] = {}


def configure_logs(log: Log = "text") -> None:
    """Write logs as text, which is where a process begins, or as JSON lines.

    As JSON, Python's warnings and what ends the process with a traceback are lines too. To be called as a
    command begins.
    """
    if (log == "json") == structured():
        return
    if log == "json":
        _begin()
    else:
        _end()


def structured() -> bool:
    """Whether logs are JSON lines now."""
    return bool(_ours)


def log_step(step: Step) -> None:
    """Log a candidate that is done; what `report` is where logs are JSON lines, in place of a display."""
    scores = step.score if isinstance(step.score, tuple) else (step.score,)
    numbers = ", ".join(f"{score:.4f}" for score in scores if score is not None)
    said = numbers or (str(step.reason) if step.pruned else f"failed: {step.reason}")
    known = {"phase": step.phase, "done": step.done, "total": step.total, "candidate": step.name}
    found = {"score": step.score, "reason": step.reason, "seconds": round(step.seconds, 3)}
    level = logging.WARNING if step.score is None and not step.pruned else logging.INFO
    raced = {"pruned": True, "estimate": step.estimate} if step.pruned else {}
    dropped = {} if step.dropped_after is None else {"dropped_after": step.dropped_after}
    extra = {"event": "step", **known, **found, **raced, **dropped}
    logger.log(level, "%s %d/%d %s %s", step.phase, step.done, step.total, step.name, said, extra=extra)


def log_end(message: str, code: int) -> None:
    """Log how the command ended, where it did not simply come to its end."""
    level = logging.ERROR if code in (1, 2) else logging.WARNING if code else logging.INFO
    logger.log(level, "%s", message.strip(), extra={"event": "end", "exit_code": code})


def redacted(text: str) -> str:
    """The text without the passwords of the URLs in it."""
    return _PASSWORD.sub(r"\g<before>:***@", text)


class _Stderr(logging.Handler):
    """Writes to whatever standard error is now, a line in one piece: several processes may share it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


def _begin() -> None:
    root = logging.getLogger()
    handler = _Stderr()
    handler.setFormatter(_formatter())
    _before["handlers"] = [each for each in root.handlers if _is_text(each)]
    _before["levels"] = {room: logging.getLogger(room).level for room in ROOMS}
    _before["hooks"] = (sys.excepthook, threading.excepthook)
    for each in _before["handlers"]:
        root.removeHandler(each)
    root.addHandler(handler)
    for room in ROOMS:
        logging.getLogger(room).setLevel(logging.INFO)
    logging.captureWarnings(True)
    sys.excepthook, threading.excepthook = _log_uncaught, _log_uncaught_in_thread
    _ours.append(handler)


def _end() -> None:
    root = logging.getLogger()
    root.removeHandler(_ours.pop())
    for each in _before["handlers"]:
        root.addHandler(each)
    for room, level in _before["levels"].items():
        logging.getLogger(room).setLevel(level)
    logging.captureWarnings(False)
    sys.excepthook, threading.excepthook = _before["hooks"]
    _before.clear()


def _is_text(handler: logging.Handler) -> bool:
    """Whether a handler writes to a console: others, such as a file's, stay."""
    return type(handler) is logging.StreamHandler


def _formatter() -> logging.Formatter:
    from pythonjsonlogger.json import JsonFormatter  # here: commands that log text don't wait for it

    class Redacted(JsonFormatter):
        """Leaves passwords out of all that is logged: messages, fields and tracebacks."""

        def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
            return {name: _clean(value) for name, value in log_data.items()}

    return Redacted(
        ["levelname", "name", "message"],
        rename_fields={"levelname": "level", "name": "logger"},
        static_fields={"host": socket.gethostname(), "pid": os.getpid()},
        timestamp="at",
    )


def _clean(value: Any) -> Any:
    """What JSON can hold: NaN is no number there."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return redacted(value) if isinstance(value, str) else value


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logger.critical("%s: %s", kind.__name__, error, exc_info=(kind, error, trace), extra={"event": "crash"})


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
