"""Whatever makes a candidate fail is of one kind, by which failures are counted."""

from __future__ import annotations

import errno

import pytest

from evaluators.errors import (
    DeadlinePassed,
    DiskFull,
    EngineDied,
    EngineError,
    NotFinite,
    OutOfMemory,
    SandboxError,
)
from merging.errors import CandidateError, CheckpointError, RecipeError
from search.errors import KINDS, failure_kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (CandidateError("NaN"), "not finite"),
        (NotFinite("tensor 'a' holds NaN or Inf"), "not finite"),
        (OutOfMemory("CUDA out of memory"), "out of memory"),
        (MemoryError(), "out of memory"),
        (EngineDied("signal SIGKILL"), "engine died"),
        (DeadlinePassed("not measured within its 30 minutes"), "deadline"),
        (DiskFull("no space left"), "disk"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk"),
        (RecipeError("weights sum to 0"), "refused"),
        (CheckpointError("damaged"), "refused"),
        (SandboxError("no isolation"), "refused"),
        (EngineError("the model has no tensor 'b'"), "other"),
        (OSError(errno.EACCES, "Permission denied"), "other"),
        (ZeroDivisionError(), "other"),
    ],
)
def test_a_failure_has_one_kind(error: Exception, kind: str) -> None:
    assert failure_kind(error) == kind
    assert kind in KINDS


def test_what_lay_behind_an_error_tells_its_kind_where_it_does_not() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    assert failure_kind(caused(EngineError("the sandbox cannot be started"), full)) == "disk"
    assert failure_kind(caused(EngineError("no weights"), RecipeError("no merge"))) == "refused"
    assert failure_kind(caused(EngineDied("signal SIGKILL"), full)) == "engine died"


def caused(error: Exception, by: Exception) -> Exception:
    error.__cause__ = by
    return error
