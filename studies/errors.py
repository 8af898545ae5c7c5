"""Errors of this room, each one line with its remedy.

StudiesError (ValueError)
├── StorageError     the database cannot be opened, read or written
├── StudyChanged     a study is resumed with other settings, models or items
├── StudyHeld        another process runs the study
├── StudyNotFound    the database has no study, recipe or model of that name
└── SelectionError   the evidence names no target and sources of a fusion
"""

from __future__ import annotations


class StudiesError(ValueError):
    """Something that the person who runs a study can put right."""


class StorageError(StudiesError):
    """The database cannot be opened, read or written."""


class StudyChanged(StudiesError):  # noqa: N818 - reads as the fact that it reports
    """A study is resumed with other settings, models or items than it began with."""


class StudyHeld(StudiesError):  # noqa: N818
    """Another process runs the study."""


class StudyNotFound(StudiesError):  # noqa: N818
    """The database has no study, or no recipe or model, of that name."""


class SelectionError(StudiesError):
    """The evidence, or what a person asks of it, names no target and sources of a fusion."""
