"""`crucible dashboard`: one line for what is wrong, and a process that is light."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.search.conftest import Outcome

Crucible = Callable[..., Outcome]
ROOT = Path(__file__).parents[3]


def test_a_store_that_is_not_there_is_refused_and_not_made(crucible: Crucible, tmp_path: Path) -> None:
    ended = crucible("dashboard", "--storage", f"sqlite:///{tmp_path / 'none.db'}", "--port", 0)
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert "no file" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_told_with_the_next_that_is_free(crucible: Crucible, studied: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = crucible("dashboard", "--storage", f"sqlite:///{studied}", "--port", port)
    assert ended.code == 2
    offered = int(ended.err.rstrip().rpartition("--port ")[2])
    assert port < offered <= port + 100
    with socket.socket() as free:
        free.bind(("127.0.0.1", offered))


def test_other_machines_are_let_in_by_a_token_alone(crucible: Crucible, studied: Path) -> None:
    ended = crucible("dashboard", "--storage", f"sqlite:///{studied}", "--host", "0.0.0.0", "--port", 0)
    assert ended.code == 2
    assert "give --token" in ended.err


@pytest.mark.skipif(
    not Path("/proc/self/maps").exists(), reason="what a process has loaded is read from /proc"
)
def test_its_process_holds_no_torch_and_leaves_the_store_as_it_is(studied: Path, tmp_path: Path) -> None:
    def beside() -> set[str]:
        return {each.name for each in studied.parent.iterdir() if not each.name.endswith(("-wal", "-shm"))}

    before, found = studied.read_bytes(), beside()
    command = [
        sys.executable,
        "-m",
        "search",
        "dashboard",
        "--storage",
        f"sqlite:///{studied}",
        "--port",
        "0",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("crucible dashboard at http://127.0.0.1:")
        base = said.split()[3]
        for path in ("/", "/studies/1?wait=30", "/studies/1/live"):
            assert httpx.get(base + path, timeout=60, trust_env=False).status_code == 200
        maps = Path(f"/proc/{process.pid}/maps").read_text()
        assert [name for name in ("torch", "transformers", "optuna") if f"/{name}/" in maps] == []
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert studied.read_bytes() == before
    assert beside() == found
