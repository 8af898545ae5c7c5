"""What names a model: a path, or an id on the hub. Told without opening anything."""

from __future__ import annotations

import re
from pathlib import Path

from merging.errors import CheckpointError

_PATHS = (".", "/", "~")
"""What begins a path, wherever that leads."""
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")


def is_local(ref: str, relative_to: Path) -> bool:
    """Whether `ref` names a folder; the network is never asked about those."""
    return ref.startswith(_PATHS) or is_there(folder_of(ref, relative_to)) or not is_hub_id(ref)


def is_hub_id(ref: str) -> bool:
    """Whether `ref` has the form of a hub id, `org/name[@revision]`; a folder may have it, too."""
    return not ref.startswith(_PATHS) and _HUB_ID.fullmatch(ref) is not None


def folder_of(ref: str, relative_to: Path) -> Path:
    """The folder that `ref` names where it is a path; raises CheckpointError for the home of nobody."""
    try:
        return relative_to / Path(ref).expanduser()
    except RuntimeError as error:
        raise CheckpointError(f"{ref}: {error}; write the path out") from None


def is_there(place: Path) -> bool:
    """Whether something is at a path, which may be too long for one."""
    try:
        return place.exists()
    except OSError:
        return False
