"""Logs as JSON lines: every line is an object, and no password is in any."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from search.commands.options import leave
from search.showing.step import Step
from search.signals.logs import configure_logs, log_step, redacted, structured

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """JSON lines are on; what they say so far."""
    configure_logs("json")
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    configure_logs("text")


def test_a_line_says_when_who_and_what(lines: Lines) -> None:
    logging.getLogger("search.running.run").warning("slice %s steers nothing", "math")
    (line,) = lines()
    at = datetime.fromisoformat(line.pop("at"))
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60
    assert isinstance(line.pop("pid"), int)
    assert line.pop("host")
    assert line == {
        "level": "WARNING",
        "logger": "search.running.run",
        "message": "slice math steers nothing",
    }


def test_a_step_is_a_line_with_its_numbers(lines: Lines) -> None:
    log_step(Step("trials", 3, 40, "trial 2", 0.8125, seconds=5.6789))
    why = "out of memory"
    log_step(Step("baselines", 1, 5, "base", reason=why))
    names = ("level", "event", "phase", "done", "total", "candidate", "score", "reason", "seconds", "message")
    assert [tuple(line[name] for name in names) for line in lines()] == [
        ("INFO", "step", "trials", 3, 40, "trial 2", 0.8125, None, 5.679, "trials 3/40 trial 2 0.8125"),
        ("WARNING", "step", "baselines", 1, 5, "base", None, why, 0.0, f"baselines 1/5 base failed: {why}"),
    ]


def test_what_is_no_number_is_null_for_json_has_no_nan(lines: Lines) -> None:
    log_step(Step("trials", 1, 1, "trial 0", float("nan")))
    assert lines()[0]["score"] is None


def test_of_libraries_only_warnings_are_logged(lines: Lines) -> None:
    for name in ("httpx", "sqlalchemy.engine", "search.signals.watch", "evaluators.judge"):
        logging.getLogger(name).info("POST https://hooks.example.com/SECRET")
    assert [line["logger"] for line in lines()] == ["search.signals.watch", "evaluators.judge"]


def test_passwords_are_in_no_message_field_or_traceback(lines: Lines) -> None:
    url = "postgresql+psycopg://me:SECRET@host/db"
    try:
        raise RuntimeError(url)
    except RuntimeError:
        logging.getLogger("search").exception("lost %s", url, extra={"storage": url})
    (line,) = lines()
    assert "SECRET" not in json.dumps(line)
    assert line["storage"] == "postgresql+psycopg://me:***@host/db"
    assert "Traceback" in line["exc_info"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:pass@host/a", "http://me:***@host/a"),
        ("x=postgresql://:p%40ss@host", "x=postgresql://:***@host"),
        ("http://user:a:b@host", "http://user:***@host"),
        ("two http://a:1@h and ftp://b:2@h", "two http://a:***@h and ftp://b:***@h"),
        ("http://host:8080/a@b", "http://host:8080/a@b"),
        ("http://host/a:b@c", "http://host/a:b@c"),
        ("at 12:30 me@host", "at 12:30 me@host"),
    ],
)
def test_what_counts_as_a_password(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(("code", "level"), [(1, "ERROR"), (2, "ERROR"), (130, "WARNING")])
def test_how_the_command_ended_is_a_line(code: int, level: str, lines: Lines) -> None:
    with pytest.raises(SystemExit):
        leave("\nStopped by SIGINT", code)
    (line,) = lines()
    assert (line["event"], line["exit_code"], line["level"]) == ("end", code, level)
    assert line["message"] == "Stopped by SIGINT"


def test_text_is_what_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    before = list(root.handlers), logging.getLogger("search").level
    configure_logs("json")
    configure_logs("json")
    assert structured()
    configure_logs("text")
    assert not structured()
    assert (list(root.handlers), logging.getLogger("search").level) == before
    assert (sys.excepthook, threading.excepthook) == hooks
    with pytest.raises(SystemExit):
        leave("crucible: as ever", 2)
    assert capsys.readouterr().err == "crucible: as ever\n"


CRASHING = """
import threading, warnings
from search.signals.logs import configure_logs
configure_logs("json")
warnings.warn("old", UserWarning)
thread = threading.Thread(target=lambda: [][1])
thread.start()
thread.join()
1 / 0
"""


def test_warnings_threads_that_crash_and_a_process_that_does_are_a_line_each() -> None:
    done = subprocess.run([sys.executable, "-c", CRASHING], capture_output=True, text=True)
    assert done.returncode == 1
    warned, in_thread, crashed = (json.loads(line) for line in done.stderr.splitlines())
    assert (warned["logger"], "UserWarning: old" in warned["message"]) == ("py.warnings", True)
    assert (in_thread["event"], in_thread["message"]) == ("crash", "IndexError: list index out of range")
    assert (crashed["level"], crashed["message"]) == ("CRITICAL", "ZeroDivisionError: division by zero")
    assert "Traceback" in crashed["exc_info"]
