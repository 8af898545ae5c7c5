"""The folders that the service may read models and items from, and nothing beside them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from search.errors import SearchError


@dataclass(frozen=True)
class ModelFolders:
    """Folders, each by its absolute path without symlinks."""

    folders: tuple[Path, ...]

    @classmethod
    def at(cls, given: Iterable[Path]) -> ModelFolders:
        """The given folders; raises SearchError for one that is not there."""
        for folder in given:
            if not folder.is_dir():
                raise SearchError(f"--models {folder}: no such folder; check the path")
        return cls(tuple(folder.resolve() for folder in given))

    def find(self, said: str) -> Path | None:
        """What a study file's path names: a relative one is as seen from the first folder that has it.

        None where nothing is there, where the path climbs (`..`, `~`), and where it, or a file in it, leads
        out of the folders by a symlink: who asks cannot tell these apart.
        """
        try:
            path = Path(said)
            if said.startswith("~") or ".." in path.parts or not path.parts:
                return None
            starts = (path,) if path.is_absolute() else tuple(folder / path for folder in self.folders)
            return next((each for each in starts if self.holds(each)), None)
        except (OSError, ValueError):  # too long a name, a zero byte: nothing that could be there
            return None

    def holds(self, path: Path) -> bool:
        """Whether a file or a folder, with every file of it, is there and lies in one of the folders."""
        return self._inside(path) and all(self._inside(each) for each in _files_of(path))

    def _inside(self, path: Path) -> bool:
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):  # not there; symlinks in a circle
            return False
        return (real.is_file() or real.is_dir()) and any(real.is_relative_to(each) for each in self.folders)


def _files_of(path: Path) -> Iterator[Path]:
    """What a folder holds at any depth, symlinks to folders being shown but not followed."""
    for folder, folders, files in os.walk(path):
        yield from (Path(folder, name) for name in (*folders, *files))
