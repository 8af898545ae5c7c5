"""Errors of this room, each one line with its remedy.

StudiesError (ValueError)
├── StorageError     the database cannot be opened, read or written
│   └── StorageLost  its server does not answer, or another program locks it: trying again may help
├── StudyChanged     a study is resumed with other settings, models or items
├── StudyHeld        another process runs the study
├── StudyNotFound    the database has no study, recipe, model or submission of that name
├── WorkerLost       others took this worker for dead, and may have its work
├── TrialClosed      a trial has ended already, and otherwise
└── SelectionError   the evidence names no target and sources of a fusion
"""

from __future__ import annotations


class StudiesError(ValueError):
    """Something that the person who runs a study can put right."""


class StorageError(StudiesError):
    """The database cannot be opened, read or written."""


class StorageLost(StorageError):  # noqa: N818 - reads as the fact that it reports
    """The database's server does not answer, or another program locks it: trying again may help."""


class StudyChanged(StudiesError):  # noqa: N818 - reads as the fact that it reports
    """A study is resumed with other settings, models or items than it began with."""


class StudyHeld(StudiesError):  # noqa: N818
    """Another process runs the study."""


class StudyNotFound(StudiesError):  # noqa: N818
    """The database has no study, or no recipe, model or submission, of that name."""


class WorkerLost(StudiesError):  # noqa: N818
    """Others took this worker for dead, and may have its work by now."""


class TrialClosed(StudiesError):  # noqa: N818
    """A trial has ended already, and otherwise than it is told to."""


class SelectionError(StudiesError):
    """The evidence, or what a person asks of it, names no target and sources of a fusion."""
