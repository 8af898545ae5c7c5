"""Libraries that talk while they work, kept off the terminal."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet(logger_name: str) -> Iterator[None]:
    """Let a library's logger say errors only, for as long as this lasts."""
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def read_first() -> Iterator[None]:
    """A library's Python, which may be compiled here for the first time, without what is said of its style.

    Installers compile ahead and say nothing; where they did not, or nothing can be written, it is said here.
    """
    with warnings.catch_warnings():
        for category in (
            SyntaxWarning,
            DeprecationWarning,
        ):  # escapes, as Python from 3.12 on has it, and before
            warnings.filterwarnings("ignore", message="invalid (escape|decimal|octal)", category=category)
        yield
