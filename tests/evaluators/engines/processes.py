"""What runs on this machine, by name."""

import contextlib
from pathlib import Path


def names_of_processes() -> set[str]:
    """The names of all processes that can be seen."""
    names = set()
    for file in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):  # It ended meanwhile.
            names.add(file.read_text().strip())
    return names
