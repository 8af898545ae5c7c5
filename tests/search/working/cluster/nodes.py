"""A real Ray cluster on loopback: each node has an address, processes and a death of its own."""

from __future__ import annotations

import os
import queue
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.pages import command

PAGE = "ray.md"
REPO = Path(__file__).parents[4]
HEAD = "127.0.0.2"
STARTED = "Ray runtime started"
STARTS_S = 180.0
QUICK = {
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "3",
    "RAY_health_check_timeout_ms": "2000",
}
"""A node that is gone is missed within two seconds, not within thirty."""
RAY = (sys.executable, "-m", "ray.scripts.scripts")
LIGHT = ("--include-log-monitor=false", "--object-store-memory=78643200")


class CannotStart(Exception):  # noqa: N818
    """Ray does not start here; says why."""


@dataclass
class Cluster:
    """Nodes that were started, and what it takes to reach them."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="ray", dir="/tmp")))
    port: int = field(default_factory=lambda: free_port())
    client_port: int = field(default_factory=lambda: free_port())
    nodes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    listeners: dict[str, threading.Thread] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """For machines that are nodes of the cluster: this one is."""
        return f"{HEAD}:{self.port}"

    @property
    def client_address(self) -> str:
        """For any machine."""
        return f"ray://{HEAD}:{self.client_port}"

    @property
    def environment(self) -> dict[str, str]:
        """For whoever joins, as a node or as a driver."""
        token = {"RAY_AUTH_MODE": "token", "HOME": str(self.folder)}
        return {**os.environ, **QUICK, **token, "PYTHONPATH": str(REPO), "RAY_USAGE_STATS_ENABLED": "0"}

    def head(self, cores: int) -> None:
        """Make a token as docs/ray.md says, and start the head, with its cores."""
        make_token = f"{shlex.join(RAY)} {command(PAGE, 'ray get-auth-token').removeprefix('ray ')}"
        subprocess.run(["bash", "-c", make_token], env=self.environment, check=True, capture_output=True)
        port = f"--ray-client-server-port={self.client_port}"
        quiet = (
            "--include-dashboard=false",
            "--no-monitor",
            "--disable-usage-stats",
            f"--temp-dir={self.folder}",
        )
        self._start(HEAD, self.own("ray start --head"), port, *quiet, f"--num-cpus={cores}")

    def add(self, node: str, cores: int) -> None:
        """Start a further node at that address."""
        self._start(node, self.own("ray start --address"), f"--num-cpus={cores}")

    def kill(self, node: str) -> None:
        """The node loses its power: all its processes are gone at once, those that it started, too."""
        process = self.nodes.pop(node)
        for pid in (process.pid, *descendants(process.pid)):
            os.kill(pid, signal.SIGSTOP)  # none may start another, or hear of the end of another
        for pid in (*descendants(process.pid), process.pid):
            os.kill(pid, signal.SIGKILL)
        process.wait()
        self.listeners.pop(node).join()

    def close(self) -> None:
        """Stop all nodes and leave nothing behind."""
        for node in list(self.nodes):
            self.kill(node)
        shutil.rmtree(self.folder, ignore_errors=True)

    def own(self, beginning: str) -> str:
        """The command of docs/ray.md that begins so, with this cluster's name and port put in."""
        return command(PAGE, beginning).replace("headnode", HEAD).replace("6379", str(self.port))

    def _start(self, node: str, line: str, *options: str) -> None:
        process = subprocess.Popen(
            [*RAY, *line.split()[1:], "--block", f"--node-ip-address={node}", *options, *LIGHT],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
        )
        self.nodes[node] = process
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.listeners[node] = threading.Thread(target=pump, args=(process, lines), daemon=True)
        self.listeners[node].start()
        said, end = "", time.monotonic() + STARTS_S
        while STARTED not in said:
            try:
                said += lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise CannotStart(f"ray start {node}: {said[-500:]}") from None


def pump(process: subprocess.Popen[str], lines: queue.SimpleQueue[str]) -> None:
    """Read all that a node says, so that it never waits for a reader."""
    assert process.stdout is not None
    with process.stdout as said:
        for line in said:
            lines.put(line)


def descendants(pid: int) -> list[int]:
    """All processes that a process started, and those that these did."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(
                int(stat.parent.name)
            )
        except OSError:
            continue
    found, waiting = [], [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def free_port() -> int:
    with socket.socket() as free:
        free.bind((HEAD, 0))
        return int(free.getsockname()[1])
