"""Runs model-written programs with limits, each in a process of its own, forked from a bare interpreter.

This bounds time, memory, files and processes and hides the environment. It is no wall against a program that
means harm.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluators.errors import EngineError

_CHILD = Path(__file__).with_name("code_child.py")


@dataclass(frozen=True)
class Outcome:
    """Whether a program ran to its end, and if not why: an exception, `timeout`, `exit` or `killed`."""

    passed: bool
    reason: str


def run_programs(programs: Sequence[str], timeout_s: float = 5.0) -> list[Outcome]:
    """Run every program to its last line, with `timeout_s` seconds of wall time each; outcomes in order.

    A program passes only by running to its end: leaving early (`os._exit(0)`, `sys.exit`) does not count.
    Raises EngineError when the interpreter that runs them breaks: then nothing is known about any of them.
    """
    if not programs:
        return []
    jobs = max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    order = {"programs": list(programs), "timeout_s": timeout_s, "jobs": jobs}
    patience = 60 + 2 * timeout_s * (len(programs) / jobs + 1)
    with tempfile.TemporaryDirectory(prefix="crucible-") as scratch:
        reply = _converse(json.dumps(order), scratch, patience)
    if len(reply) != len(programs):
        raise EngineError(f"the code runner judged {len(reply)} of {len(programs)} programs; none is scored")
    return [Outcome(reason == "", reason) for reason in reply]


def _converse(order: str, scratch: str, patience: float) -> list[str]:
    # As isolated as by -I, which would ignore the hash seed and so leave some verdicts to chance; and without
    # site packages (-S), so that no verdict depends on what happens to be installed beside us.
    command = [sys.executable, "-s", "-S", "-P", str(_CHILD)]
    try:
        done = subprocess.run(
            command,
            input=order.encode(),
            capture_output=True,
            env={"PYTHONHASHSEED": "0"},
            cwd=scratch,
            start_new_session=True,
            timeout=patience,
            check=False,
        )
        reply: list[str] = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineError(f"the code runner could not run: {error}") from error
    except ValueError as error:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        reason = f"status {done.returncode}: {last or 'no message'}"
        raise EngineError(f"the code runner died with {reason}") from error
    return reply
