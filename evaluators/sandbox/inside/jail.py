"""System calls of Linux that Python has no name for: namespaces, mounts, capabilities, a filter of calls.

Everything here runs in processes of the sandbox, single-threaded. Where the system refuses, it is an OSError.
Constants: <linux/sched.h>, <linux/mount.h>, <linux/prctl.h>, <linux/seccomp.h>, <asm/unistd.h>.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct

NEW_MOUNTS, NEW_CGROUP, NEW_UTS, NEW_IPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
NEW_USER, NEW_PID, NEW_NET = 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SUID, NO_DEVICES, REMOUNT, BIND = 1, 2, 4, 32, 4096
RECURSIVE, PRIVATE = 16384, 1 << 18
NOBODY = 65534
_DETACH = 2
_AT_FDCWD, _AT_RECURSIVE, _SYS_MOUNT_SETATTR = -100, 0x8000, 442
_SET_DUMPABLE, _SET_SECCOMP, _SET_NO_NEW_PRIVS = 4, 22, 38

_DENIED = {
    # Memory that no limit of a process counts, and what outlives a process.
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190), "msgget": (68, 186),
    "mq_open": (240, 180), "memfd_create": (319, 279), "memfd_secret": (447, 447),
    # Looking into other processes; keys that the session of the user holds.
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    # Corners of the kernel that no answer needs.
    "unshare": (272, 97), "setns": (308, 268), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "fanotify_init": (300, 262),
    "inotify_init": (253, 26), "inotify_init1": (294, 26),
    # Leaving the processor or the rank that it was given.
    "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119), "sched_setattr": (314, 274),
}  # fmt: skip
_FIRST_ARGUMENT = 16
_SOCKET = (41, 198)
_FAMILIES = (1, 2, 10)
"""UNIX, INET, INET6: others (VSOCK above all) are not walled in by a network namespace."""
_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""Per machine: its AUDIT_ARCH, and which of the two numbers of a system call is its own."""

_libc = ctypes.CDLL(None, use_errno=True)


def supported() -> bool:
    """Whether the filter knows this machine's system calls."""
    return platform.machine() in _MACHINES


def can_become_nobody() -> bool:
    """Whether we are root of a system that has a user `nobody`, as root of a small user namespace may not."""
    return os.geteuid() == 0 and all(_maps_nobody(f"/proc/self/{kind}_map") for kind in ("uid", "gid"))


def _maps_nobody(path: str) -> bool:
    with open(path) as file:
        ranges = [[int(number) for number in line.split()] for line in file]
    return any(first <= NOBODY < first + count for first, _, count in ranges)


def unshare(namespaces: int) -> None:
    """Leave these namespaces for new ones (a new PID namespace begins with the next child)."""
    _call("unshare", namespaces)


def write_maps(pid: str, uids: str, gids: str, groups: bool) -> None:
    """Say who the users and groups of a new user namespace are outside; `groups`: it may call setgroups."""
    if not groups:
        _write(f"/proc/{pid}/setgroups", "deny")
    _write(f"/proc/{pid}/uid_map", uids)
    _write(f"/proc/{pid}/gid_map", gids)


def mount(kind: str, target: str, options: str = "", flags: int = NO_SUID | NO_DEVICES) -> None:
    """Mount a new filesystem of this kind."""
    _call("mount", kind.encode(), target.encode(), kind.encode(), flags, options.encode())


def mount_again(source: str, target: str) -> None:
    """Show the tree at `source` at `target` too, with everything mounted in it."""
    _call("mount", source.encode(), target.encode(), None, BIND | RECURSIVE, None)


def make_private() -> None:
    """Keep mounts of this namespace from the outside, and those of the outside from it."""
    _call("mount", None, b"/", None, RECURSIVE | PRIVATE, None)


def make_read_only(target: str, recursive: bool = True, devices: bool = False) -> None:
    """Make a mounted tree unwritable, without set-user-ID programs and, unless asked, without devices."""
    attributes = struct.pack("=QQQQ", READ_ONLY | NO_SUID | (0 if devices else NO_DEVICES), 0, 0, 0)
    flags = _AT_RECURSIVE if recursive else 0
    at, size = ctypes.c_long(_AT_FDCWD), ctypes.c_long(len(attributes))
    _call("syscall", ctypes.c_long(_SYS_MOUNT_SETATTR), at, target.encode(), flags, attributes, size)


def change_root(new: str, old: str) -> None:
    """Make `new` the root of this mount namespace; what was there is at `old`."""
    _call("pivot_root", new.encode(), old.encode())


def unmount(target: str) -> None:
    """Take a mount away, with everything mounted in it."""
    _call("umount2", target.encode(), _DETACH)


def be_dumpable(dumpable: bool) -> None:
    """Whether processes of the same user may look into this one (and it may write its own /proc files)."""
    _call("prctl", _SET_DUMPABLE, int(dumpable), 0, 0, 0)


def be_first_to_die(score: int) -> None:
    """Where the machine runs out of memory, it shall kill this process before others (0 to 1000)."""
    _write("/proc/self/oom_score_adj", str(score))


def drop_privileges() -> None:
    """Give up all capabilities, and any way of gaining some by running another program."""
    _call("capset", struct.pack("=Ii", 0x20080522, 0), bytes(24))
    _call("prctl", _SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def limit(limits: dict[int, int]) -> None:
    """Set resource limits for good (none is raised)."""
    for what, most in limits.items():
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def filter_calls() -> None:
    """Refuse (EPERM) the calls of `_DENIED`, sockets but those of `_FAMILIES`, calls of other machines."""
    architecture, column = _MACHINES[platform.machine()]
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06
    deny, allow = 0x50000 | 1, 0x7FFF0000
    steps = [(load, 0, 0, 4), (equal, 1, 0, architecture), (give, 0, 0, deny), (load, 0, 0, 0)]
    steps += [(at_least, 0, 1, 0x40000000), (give, 0, 0, deny)]  # The x32 calls of x86_64.
    for number in {numbers[column] for numbers in _DENIED.values()}:
        steps += [(equal, 0, 1, number), (give, 0, 0, deny)]
    steps += [(equal, 0, len(_FAMILIES) + 2, _SOCKET[column]), (load, 0, 0, _FIRST_ARGUMENT)]
    steps += [(equal, len(_FAMILIES) - n, 0, family) for n, family in enumerate(_FAMILIES)]
    steps += [(give, 0, 0, deny), (give, 0, 0, allow)]
    body = b"".join(struct.pack("=HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(body)
    program = struct.pack("@HP", len(body) // 8, ctypes.addressof(buffer))
    _call("prctl", _SET_SECCOMP, 2, program, 0, 0)


def _write(path: str, text: str) -> None:
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
