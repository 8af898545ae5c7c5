"""The ways to start a sandbox: bubblewrap, or namespaces of our own; what helps where both are forbidden."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from evaluators.sandbox.inside import jail, walls

_ROOMS = Path(__file__).parents[2]
_INSIDE = "evaluators/sandbox/inside"
"""All that a sandbox sees of ours."""
_START = "import sys; sys.path.insert(0, {root!r}); from evaluators.sandbox.inside.child import main; main()"
_SETTINGS = Path("/proc/sys")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache")


@dataclass(frozen=True)
class Way:
    """How a sandbox is started."""

    name: str
    command: tuple[str, ...]
    user: int | None
    """Who starts it, if not we: where we are root, what cannot leave root behind starts as `nobody`."""


def ways() -> list[Way]:
    """Those that may work on this machine, the preferred one first."""
    if sys.platform != "linux" or not jail.supported():
        return []
    found = [] if (path := shutil.which("bwrap")) is None else [bubblewrap(path)]
    return [*found, namespaces()]


def namespaces() -> Way:
    """User, mount, network and process namespaces, made by the sandbox's own first process."""
    return Way("namespaces", (*_python(), _START.format(root=str(_ROOMS)), json.dumps(_walls())), None)


def bubblewrap(path: str) -> Way:
    """The same walls, built by bubblewrap."""
    shown = _walls()
    command = [path, "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    command += ["--unshare-cgroup-try", "--hostname", "sandbox", "--as-pid-1", "--cap-drop", "ALL"]
    command += ["--uid", str(jail.NOBODY), "--gid", str(jail.NOBODY)]
    for target, content in shown["links"].items():
        command += ["--symlink", content, target]
    for source, target in shown["trees"].items():
        command += ["--ro-bind", source, target]
    for target in shown["hidden"]:
        command += ["--tmpfs", target, "--remount-ro", target]
    for target in shown["devices"]:
        command += ["--dev-bind", target, target]
    for source in sorted((_ROOMS / _INSIDE).glob("*.py")):
        command += ["--ro-bind", str(source), f"{walls.OURS}/{_INSIDE}/{source.name}"]
    python = _python()[0]
    command += ["--ro-bind", python, python, "--symlink", "/tmp", "/dev/shm", "--proc", "/proc"]
    command += ["--dir", "/tmp", "--dir", walls.CASE_ROOT, "--remount-ro", "/"]
    start = _START.format(root=walls.OURS)
    return Way(
        "bubblewrap",
        (*command, python, *_python()[1:], start, "null"),
        jail.NOBODY if jail.can_become_nobody() else None,
    )


def remedy() -> str:
    """What would let this machine isolate code, as far as it can be told."""
    if sys.platform != "linux" or not jail.supported():
        return "grade code on Linux, x86_64 or aarch64"
    if tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2]) < (5, 14):
        return "it needs Linux 5.14 or newer"
    for setting, wanted in (
        ("kernel/apparmor_restrict_unprivileged_userns", 0),
        ("kernel/unprivileged_userns_clone", 1),
        ("user/max_user_namespaces", 15000),
    ):
        file = _SETTINGS / setting
        if file.exists() and bool(int(file.read_text())) != bool(wanted):
            return f"allow user namespaces: sudo sysctl -w {setting.replace('/', '.')}={wanted}"
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        options = ("seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined")
        return f"start the container with {' '.join(f'--security-opt {option}' for option in options)}"
    return "allow user namespaces; docs/sandbox.md says how"


def _python() -> tuple[str, ...]:
    # As isolated as by -I, which would ignore the hash seed and so leave some verdicts to chance; and without
    # site packages (-S), so that no verdict depends on what happens to be installed beside us.
    base = getattr(sys, "_base_executable", sys.executable)
    return (os.path.realpath(base), "-s", "-S", "-P", "-c")


@cache
def _walls() -> dict[str, Any]:
    """What the sandbox shows: the system's libraries and Python's, without what is installed beside them."""
    shown = [*_SYSTEM, *(os.path.join(sys.base_prefix, name) for name in ("lib", "lib64"))]
    links = {path: os.readlink(path) for path in _SYSTEM if os.path.islink(path)}
    trees = {path for path in shown if os.path.exists(path) and path not in links}
    outer = sorted(path for path in trees if not any(path.startswith(f"{other}/") for other in trees))
    hidden = [
        str(folder)
        for path in outer
        for name in ("site-packages", "dist-packages")
        for folder in Path(path).glob(f"python3*/{name}")
    ]
    return {
        "trees": {os.path.realpath(path): path for path in outer},
        "links": links,
        "hidden": hidden,
        "devices": [path for path in _DEVICES if os.path.exists(path)],
    }
