"""What this room raises.

EvaluatorsError (ValueError)    the user can fix it: one line that names file, field and remedy
  TaskError                     a task that is unknown, or that cannot be asked as requested
  SandboxError                  a machine on which model-written code cannot be isolated
  SliceError                    items that are missing, malformed or too few
EngineError (RuntimeError)      an engine or a runner broke: its items stay unscored, they are never wrong
  EngineDied                    an engine's process crashed or hung; the next `load` starts another
"""

from __future__ import annotations


class EvaluatorsError(ValueError):
    """A request that cannot be judged as it stands; the message is one line with the remedy."""


class TaskError(EvaluatorsError):
    """A task that is unknown, or that cannot be asked as requested."""


class SliceError(EvaluatorsError):
    """Items that are missing, malformed or too few."""


class SandboxError(EvaluatorsError):
    """A machine on which model-written code cannot be isolated; the message says what would allow it."""


class EngineError(RuntimeError):
    """An engine or a runner broke, so nothing is known about the items it was asked."""


class EngineDied(EngineError):  # noqa: N818 - reads as the fact that it reports
    """An engine's process crashed or hung and is gone; the engine's next `load` starts another."""
