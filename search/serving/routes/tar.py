"""A folder as a tar archive that is never whole in memory or on disk."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

CHUNK = 1 << 20


def tar_size(folder: Path) -> int:
    """Bytes of the archive that `tar_chunks` makes of the folder."""
    return sum(len(_header(file, folder)) + _padded(file.stat().st_size) for file in _files(folder)) + _END


def tar_chunks(folder: Path) -> Iterator[bytes]:
    """The archive of a folder's files, in order of their names.

    With no owner and no time: the same bytes for the same files.
    """
    for file in _files(folder):
        yield _header(file, folder)
        size = file.stat().st_size
        with file.open("rb") as opened:
            while chunk := opened.read(CHUNK):
                yield chunk
        yield b"\0" * (_padded(size) - size)
    yield b"\0" * _END


_END = 2 * tarfile.BLOCKSIZE


def _files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.is_file() and not each.is_symlink())


def _header(file: Path, folder: Path) -> bytes:
    info = tarfile.TarInfo(file.relative_to(folder).as_posix())
    info.size, info.mode = file.stat().st_size, 0o644
    return info.tobuf(tarfile.PAX_FORMAT)


def _padded(size: int) -> int:
    return -size % tarfile.BLOCKSIZE + size
