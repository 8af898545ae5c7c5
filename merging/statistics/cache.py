"""Statistics on disk: files named by the content that they were made of, shared by all processes.

A file is complete or not there: it is written under a name of its own and renamed. Of the processes of a
machine that need the same ones one makes them, and the others wait for it. Small statistics are cheaper to
make than to look up; they are kept in memory only.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from merging.models.fingerprint import cache_root
from merging.models.writer import remove_remains, whole_file

FORMAT = 1

Statistic = Mapping[str, Tensor]


@dataclass(frozen=True)
class StatisticsCache:
    """A folder of statistics, and those that this process has used."""

    folder: Path = field(default_factory=lambda: cache_root() / "statistics")
    known: dict[tuple[str, ...], Statistic] = field(default_factory=dict, compare=False)
    making: list[bool] = field(default_factory=list, compare=False)
    """Something while this process makes one."""

    def get(
        self, kind: str, sources: tuple[str, ...], make: Callable[[], Statistic], *, on_disk: bool
    ) -> Statistic:
        """The statistic of this kind over these sources (content, not places), made if it is not there."""
        key = (kind, *sources)
        if key not in self.known:
            self.known[key] = self._from_disk(key, make) if on_disk else make()
        return self.known[key]

    def _from_disk(self, what: tuple[str, ...], make: Callable[[], Statistic]) -> Statistic:
        key = hashlib.sha256(json.dumps([FORMAT, *what]).encode()).hexdigest()
        path = self.folder / key[:2] / f"{key}.safetensors"
        with contextlib.suppress(OSError, SafetensorError):  # absent, or damaged: made anew
            return _mapped(path)
        with self._making():
            with contextlib.suppress(OSError, SafetensorError):  # another process has made it meanwhile
                return _mapped(path)
            made = make()
            # The cache only saves time: a read-only or full home must not stop a merge.
            with contextlib.suppress(OSError, SafetensorError):
                _save(path, made)
                return _mapped(path)
            return made

    @contextlib.contextmanager
    def _making(self) -> Iterator[None]:
        """One process of a machine makes statistics, and the others wait and find them.

        Where nothing can be kept, each makes its own. One lock for all kinds, for some are made of others.
        """
        if self.making:
            yield
            return
        with contextlib.ExitStack() as held:
            with contextlib.suppress(OSError):
                self.folder.parent.mkdir(parents=True, exist_ok=True)
                lock = self.folder.with_name(f"{self.folder.name}.lock")
                fcntl.flock(held.enter_context(lock.open("a")), fcntl.LOCK_EX)
            self.making.append(True)
            held.callback(self.making.clear)
            yield

    def __getstate__(self) -> dict[str, object]:
        """Maps do not travel between processes."""
        return {"folder": self.folder, "known": {}, "making": []}


def _mapped(path: Path) -> Statistic:
    with safe_open(path, framework="pt", device="cpu") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no mapping


def _save(path: Path, statistic: Statistic) -> None:
    """Write a statistic, and remove what killed processes had begun to: one process at a time writes."""
    remove_remains(path.parent)
    with whole_file(path) as temporary:
        save_file(dict(statistic), temporary)
