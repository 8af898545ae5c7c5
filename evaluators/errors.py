"""What this room raises.

EvaluatorsError (ValueError)    the user can fix it: one line that names file, field and remedy
  TaskError                     a task that is unknown, or that cannot be asked as requested
  SandboxError                  a machine on which model-written code cannot be isolated
  SliceError                    items that are missing, malformed or too few
EngineError (RuntimeError)      an engine or a runner broke: its items stay unscored, they are never wrong
  EngineDied                    an engine's process crashed or hung; the next `load` starts another
  OutOfMemory                   a merge or a batch of questions did not fit; the engine can be asked again
  NotFinite                     weights that hold NaN or Inf, or that overflow
  DiskFull                      no space was left for what a merge wanted to write
  DeadlinePassed                a candidate took longer than it may

Each has a `kind`, by which failures of candidates are counted.
"""

from __future__ import annotations

from typing import ClassVar


class EvaluatorsError(ValueError):
    """A request that cannot be judged as it stands; the message is one line with the remedy."""

    kind: ClassVar[str] = "refused"


class TaskError(EvaluatorsError):
    """A task that is unknown, or that cannot be asked as requested."""


class SliceError(EvaluatorsError):
    """Items that are missing, malformed or too few."""


class SandboxError(EvaluatorsError):
    """A machine on which model-written code cannot be isolated; the message says what would allow it."""


class EngineError(RuntimeError):
    """An engine or a runner broke, so nothing is known about the items it was asked."""

    kind: ClassVar[str] = "other"


class EngineDied(EngineError):  # noqa: N818 - reads as the fact that it reports
    """An engine's process crashed or hung and is gone; the engine's next `load` starts another."""

    kind: ClassVar[str] = "engine died"


class OutOfMemory(EngineError):  # noqa: N818
    """A merge or a batch of questions did not fit into memory; the engine can be loaded and asked again."""

    kind: ClassVar[str] = "out of memory"


class NotFinite(EngineError):  # noqa: N818
    """Weights that hold NaN or Inf, or that overflow when they are asked."""

    kind: ClassVar[str] = "not finite"


class DiskFull(EngineError):  # noqa: N818
    """No space was left for what a candidate's merge wanted to write."""

    kind: ClassVar[str] = "disk"


class DeadlinePassed(EngineError):  # noqa: N818
    """A candidate took longer than it may."""

    kind: ClassVar[str] = "deadline"
