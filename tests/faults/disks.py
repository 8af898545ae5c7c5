"""A small disk that an ordinary user may mount: in a namespace of the process's own, seen by it alone."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_NEWNS, _NEWUSER = 0x00020000, 0x10000000
_REMOUNT = 32
_LIBC = ctypes.CDLL(None, use_errno=True)


def enter_namespace() -> None:
    """Give this process, which must have one thread, mounts of its own; raises OSError where it may not."""
    user, group = os.getuid(), os.getgid()
    _check(_LIBC.unshare(_NEWNS | _NEWUSER))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def mount(folder: Path, size: int, files: int | None = None, *, again: bool = False) -> Path:
    """Mount a disk of `size` bytes and so many files and folders; `again` gives a mounted one that size."""
    folder.mkdir(exist_ok=True)
    # The folder itself is a file, too.
    options = f"size={size}" + ("" if files is None else f",nr_inodes={files + 1}")
    flags = _REMOUNT if again else 0
    _check(_LIBC.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", flags, options.encode()))
    return folder


def fill(disk: Path) -> None:
    """Write a file that takes all that is left."""
    with (disk / "ballast").open("wb", buffering=0) as file:
        for size in (1 << 16, 4096):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:  # full
                continue


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
