"""The walls: what a sandbox's processes can see and reach, built from namespaces."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

from evaluators.sandbox.inside import jail

TMP_BYTES = 64 << 20
TMP_FILES = 4096
CASE_ROOT = "/jail"
OURS = "/crucible"
_ALL = (
    jail.NEW_USER
    | jail.NEW_MOUNTS
    | jail.NEW_NET
    | jail.NEW_PID
    | jail.NEW_IPC
    | jail.NEW_UTS
    | jail.NEW_CGROUP
)


def close_sandbox(walls: dict[str, Any]) -> None:
    """Leave the machine's users, files, network and processes; returns as process 1 of a new sandbox.

    `walls` has `trees` (what to show read-only, and where), `links` (symbolic links to make), `hidden`
    (folders to show empty) and `devices`.
    """
    ready, go = os.pipe(), os.pipe()
    pid = os.fork()
    if pid:
        sys.exit(_mind(pid, ready[0], go[1]))
    os.close(go[1])
    leaves_root = jail.can_become_nobody()
    jail.unshare(_ALL)
    os.write(ready[1], b".")
    if not os.read(go[0], 1):
        os._exit(1)  # Whoever should say who the users are has said what is wrong.
    inside = os.fork()
    if inside:
        os.close(0)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(inside, 0)[1]) & 0xFF)
    os.closerange(3, 64)
    socket.sethostname("sandbox")
    _build(walls)
    if leaves_root:
        os.setgroups([])
        os.setresgid(jail.NOBODY, jail.NOBODY, jail.NOBODY)
        os.setresuid(jail.NOBODY, jail.NOBODY, jail.NOBODY)
    jail.drop_privileges()
    jail.be_dumpable(True)


def _mind(pid: int, ready: int, go: int) -> int:
    """Say from outside who the sandbox's users are (root stays outside if we are root), and wait for it."""
    os.close(0)
    if os.read(ready, 1):
        if jail.can_become_nobody():
            both = f"0 0 1\n{jail.NOBODY} {jail.NOBODY} 1"
            jail.write_maps(str(pid), both, both, groups=True)
        else:
            user, group = f"{jail.NOBODY} {os.geteuid()} 1", f"{jail.NOBODY} {os.getegid()} 1"
            jail.write_maps(str(pid), user, group, groups=False)
        os.write(go, b".")
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _build(walls: dict[str, Any]) -> None:
    jail.make_private()
    jail.mount("tmpfs", "/tmp", "size=1m,mode=755")
    os.mkdir("/tmp/outside")
    jail.change_root("/tmp", "/tmp/outside")
    os.chdir("/")
    for path, content in walls["links"].items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(content, path)
    for source, path in walls["trees"].items():
        _show(source, path)
        jail.make_read_only(path)
    for path in walls["hidden"]:
        _hide(path)
    for path in walls["devices"]:
        _show(path, path)
    os.symlink("/tmp", "/dev/shm")
    for path in ("/proc", "/tmp", CASE_ROOT):
        os.mkdir(path)
    jail.mount("proc", "/proc")
    jail.unmount("/outside")
    os.rmdir("/outside")
    jail.make_read_only("/", recursive=False, devices=True)


def _show(source: str, path: str) -> None:
    """Show a file or folder of the outside."""
    outside = f"/outside{source}"
    if os.path.isdir(outside):
        os.makedirs(path, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    jail.mount_again(outside, path)


def close_case() -> None:
    """Leave the sandbox for the case's own part of it, with a fresh /tmp; processes begin with the next fork.

    The root of a case is not that of its mount namespace: the kernel lets nobody make user namespaces there,
    and so nobody in it regains the right to mount.
    """
    user, group = os.getuid(), os.getgid()
    jail.unshare(jail.NEW_USER | jail.NEW_MOUNTS | jail.NEW_PID | jail.NEW_IPC)
    jail.write_maps("self", f"{user} {user} 1", f"{group} {group} 1", groups=False)
    jail.mount_again("/", CASE_ROOT)
    jail.mount("tmpfs", f"{CASE_ROOT}/tmp", f"size={TMP_BYTES},nr_inodes={TMP_FILES},mode=1777")
    if os.path.isdir(OURS):
        _hide(CASE_ROOT + OURS)
    os.chroot(CASE_ROOT)
    os.chdir("/tmp")


def _hide(path: str) -> None:
    jail.mount("tmpfs", path, "size=4k,mode=755", jail.READ_ONLY | jail.NO_SUID | jail.NO_DEVICES)
