"""Evidence that could not reach its server, kept on this machine until it can.

A file per process that needed one, under `$XDG_STATE_HOME/crucible/spool/`, in a folder per storage: a line
of JSON per batch, on the disk before `append` returns. Its process locks it; what a dead one left behind is
brought in by the next that opens the storage here.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import URL
from sqlalchemy.exc import IntegrityError

from evaluators.score import ItemResult

SUFFIX = ".jsonl"
REFUSED = ".refused"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Batch:
    """What was measured at once, of one subject on one slice."""

    subject: str
    slice: str
    measured_at: datetime
    results: tuple[ItemResult, ...]

    def to_line(self) -> bytes:
        """One line of JSON."""
        return json.dumps({**asdict(self), "measured_at": self.measured_at.isoformat()}).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Batch:
        """The batch that `to_line` wrote."""
        row = json.loads(line)
        results = tuple(ItemResult(**result) for result in row["results"])
        return cls(row["subject"], row["slice"], datetime.fromisoformat(row["measured_at"]), results)


class Spool:
    """The batches that one process has put off; threads may share it."""

    def __init__(self, folder: Path) -> None:
        """Kept under `folder`, which is made when it is needed."""
        self.folder = folder
        self._file: BinaryIO | None = None
        self._lock = threading.RLock()

    def append(self, batch: Batch) -> bool:
        """Put a batch off, on the disk when this returns; whether this machine had room for it."""
        with self._lock:
            try:
                self._write(batch.to_line())
            except OSError as error:
                logger.warning(
                    "%s: %s; waiting for the storage instead of keeping evidence here",
                    self.folder,
                    error.strerror or error,
                )
                return False
        return True

    def flush(self, write: Callable[[Batch], None]) -> None:
        """Hand over what was put off, in its order, and forget it; what `write` raises leaves it here."""
        if self._file is None:
            return
        with self._lock:
            if self._file is not None:
                deliver(self._file, write)
                self._file.close()
                self._file = None

    def gather(self, write: Callable[[Batch], None]) -> None:
        """Hand over what processes that ended have left behind on this machine."""
        for path in sorted(self.folder.glob(f"*{SUFFIX}")) if self.folder.is_dir() else []:
            with _left_behind(path) as file:
                if file is not None:
                    deliver(file, write)

    def close(self) -> None:
        """Leave what could not be handed over to the next that opens the storage."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _write(self, line: bytes) -> None:
        file = self._file = self._file or self._open()
        end = file.seek(0, os.SEEK_END)
        try:
            _write_all(file, line)
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise

    def _open(self) -> BinaryIO:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        while True:
            path = self.folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}{SUFFIX}"
            file = open(path, "x+b", buffering=0)  # noqa: SIM115 - open until it was delivered
            fcntl.flock(file, fcntl.LOCK_EX)
            # Between these two, another process may have taken it for one that was left behind.
            if os.fstat(file.fileno()).st_nlink:
                _sync_folder(self.folder)
                return file
            file.close()


def spool_folder(url: URL) -> Path | None:
    """Where this machine keeps what a storage could not take; None for a user without a home.

    Its password does not matter, and its text tells nothing of the storage.
    """
    root = os.environ.get("XDG_STATE_HOME")
    try:
        state = Path(root) if root else Path.home() / ".local" / "state"
    except RuntimeError:
        return None
    name = hashlib.sha256(url.render_as_string(hide_password=True).encode()).hexdigest()[:16]
    return state / "crucible" / "spool" / name


def deliver(file: BinaryIO, write: Callable[[Batch], None]) -> None:
    """Hand over all batches of a spool's file, in their order, and remove it.

    A last line that was cut off was never promised to anybody. A file with lines that are of no use (another
    version wrote them, or the storage of that name is another one now) is kept under another name; its other
    lines are handed over.
    """
    path = Path(file.name)
    file.seek(0)
    lines = [line for line in file.read().splitlines(keepends=True) if line.endswith(b"\n")]
    refused = [why for why in (_deliver(line, write) for line in lines) if why is not None]
    if refused:
        aside = path.rename(path.with_suffix(REFUSED))
        count = f"{len(refused)} of its {len(lines)} batches"
        logger.warning("%s: %s: %s kept there, and not used", aside, refused[0], count)
    else:
        path.unlink()
    if brought := len(lines) - len(refused):
        logger.warning("brought in %d batches of evidence that were kept on this machine", brought)


def _deliver(line: bytes, write: Callable[[Batch], None]) -> str | None:
    """Hand over one batch; returns why it is of no use, if it is of none."""
    try:
        batch = Batch.from_line(line)
    except (ValueError, KeyError, TypeError) as error:
        return f"not evidence as this version keeps it ({error})"
    try:
        write(batch)
    except IntegrityError:
        return "evidence of what the storage does not know"
    return None


def _write_all(file: BinaryIO, line: bytes) -> None:
    """Write it as a whole; a disk that fills up takes a part first, and fails at the rest."""
    rest = memoryview(line)
    while rest:
        rest = rest[file.write(rest) :]


@contextmanager
def _left_behind(path: Path) -> Iterator[BinaryIO | None]:
    """The spool's file, if no living process has it and none was faster."""
    try:
        file = open(path, "r+b", buffering=0)  # noqa: SIM115 - the next statement but one closes it
    except FileNotFoundError:
        yield None
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield file if os.fstat(file.fileno()).st_nlink else None


def _sync_folder(folder: Path) -> None:
    """A new file's name is on the disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
