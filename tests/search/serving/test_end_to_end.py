"""A real service on loopback: studies go in by `crucible submit` and come out judged, whatever happens."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from search.serving.queue import TURN_S
from studies.store import StudyStore
from studies.workers.register import living
from tests.search.conftest import TINY, Outcome, small_study
from tests.search.serving.conftest import YAML, study_text

REPO = Path(__file__).parents[3]
TOKEN = "correct-horse-battery"
PATIENCE_S = 240.0

Crucible = Callable[..., Outcome]


@dataclass(frozen=True)
class Service:
    """A service in a process of its own."""

    process: subprocess.Popen[str]
    url: str

    def view(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.url}/studies/{name}", timeout=30).raise_for_status().json()
        return found

    def until(self, name: str, *states: str) -> dict[str, Any]:
        """Wait for a study to be in one of these states."""
        end = time.monotonic() + PATIENCE_S
        while (view := self.view(name))["state"] not in states:
            assert view["state"] != "failed", view
            assert time.monotonic() < end, view
            time.sleep(0.2)
        return view

    def tell(self, name: str, wish: str) -> dict[str, Any]:
        found: dict[str, Any] = (
            httpx.post(f"{self.url}/studies/{name}/{wish}", timeout=30).raise_for_status().json()
        )
        return found


@contextmanager
def serving(folder: Path, *options: str, **environment: str) -> Iterator[Service]:
    """Start `crucible serve` over the tiny models; end it afterwards, if it has not ended."""
    words = ["--models", str(TINY), "--port", "0", "--folder", str(folder / "service"), *options]
    process = subprocess.Popen(
        [sys.executable, "-m", "search", "serve", "--storage", storage(folder), *words],
        stdout=subprocess.PIPE,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPO), "CUDA_VISIBLE_DEVICES": "", **environment},
        text=True,
    )
    try:
        assert process.stdout is not None
        yield Service(process, process.stdout.readline().split()[3])
    finally:
        process.terminate()
        process.wait(120)
        process.stdout.close()


def storage(folder: Path) -> str:
    return f"sqlite:///{folder / 'crucible.db'}"


def write(folder: Path, name: str, trials: int, seconds: float = 0.0) -> Path:
    """A study file for the fake engine, far from its models; of one slice, for each run is a process anew."""
    engine = {"name": "fake", "max_tokens": 8, "seconds": seconds}
    study = small_study(trials=trials, name=name, engine=engine)
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump({**study, "slices": study["slices"][:1]}, sort_keys=False))  # type: ignore[index]
    return file


def test_a_study_goes_in_and_its_events_and_verdict_come_out(tmp_path: Path, crucible: Crucible) -> None:
    with serving(tmp_path) as service:
        queued = crucible(
            "submit", write(tmp_path, "tiny", 60), "--url", service.url, "--trials", 3, "--json"
        )
        assert (queued.code, json.loads(queued.out)["options"]) == (0, {"trials": 3})
        second = crucible("submit", write(tmp_path, "second", 1), "--url", service.url)
        assert second.out.startswith("second: queued")
        with httpx.stream("GET", f"{service.url}/studies/tiny/events", timeout=PATIENCE_S) as stream:
            lines = list(stream.iter_lines())
        kinds = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
        assert (kinds[0], kinds[-2:]) == ("study", ["study", "end"])
        said = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
        assert {each["name"] for each in said if each.get("state") == "complete" and "score" in each} >= {
            *("base", "gsm8k", "math", "code", "uniform"),
            *("trial 0", "trial 1", "trial 2"),
        }
        view = service.view("tiny")
        assert (view["state"], view["trials"], view["failed"]) == ("complete", 3, 0)
        assert service.until("second", "complete")["trials"] == 1
        rows = httpx.get(f"{service.url}/studies/tiny/leaderboard").json()
    shown = crucible("leaderboard", "tiny", "--storage", storage(tmp_path), "--json")
    assert json.loads(shown.out) == rows
    assert any(row["holdout_mean"] is not None for row in rows)
    assert service.process.returncode == 143


def test_a_service_that_is_killed_leaves_nobody_behind_and_the_next_one_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as service:
        text = write(tmp_path, "slow", 4, seconds=0.2).read_bytes()
        httpx.post(f"{service.url}/studies", content=text, headers=YAML).raise_for_status()
        service.until("slow", "searching")
        with StudyStore(storage(tmp_path)) as store:
            workers = eventually(lambda: [each.pid for each in living(store, store.study("slow"))])
            service.process.send_signal(signal.SIGKILL)
            eventually(lambda: not any(Path(f"/proc/{pid}/environ").exists() for pid in workers))
    with serving(tmp_path) as service:
        assert service.until("slow", "starting", "searching", "judging", "complete")
        view = service.until("slow", "complete")
        assert (view["trials"], view["failed"]) == (4, 0)


def test_pause_outlives_the_service_and_stop_and_resume_do_what_they_say(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        text = write(tmp_path, "slow", 3, seconds=0.3).read_bytes()
        httpx.post(f"{service.url}/studies", content=text, headers=YAML).raise_for_status()
        service.until("slow", "searching")
        assert service.tell("slow", "pause")["state"] == "paused"
    with serving(tmp_path) as service:
        time.sleep(4 * TURN_S)
        assert service.view("slow")["state"] == "paused"
        assert service.tell("slow", "resume")["state"] in ("queued", "starting")
        service.until("slow", "searching")
        service.tell("slow", "stop")
        service.until("slow", "stopped")
        service.tell("slow", "resume")
        assert service.until("slow", "complete")["trials"] == 3


def test_a_run_that_cannot_begin_says_why_without_a_place(
    tmp_path: Path, studied: Path, crucible: Crucible
) -> None:
    shutil.copy(studied, tmp_path / "crucible.db")
    file = tmp_path / "changed.yaml"
    file.write_text(study_text(name="finished", dtype="float32"))
    with serving(tmp_path) as service:
        assert service.view("finished")["state"] == "complete"
        assert crucible("submit", file, "--url", service.url).code == 0
        end = time.monotonic() + PATIENCE_S
        while (view := service.view("finished"))["state"] != "failed" and time.monotonic() < end:
            time.sleep(0.2)
        assert "is not what it was when it began" in view["reason"]
        assert 'study.dtype was "bfloat16", now "float32"' in view["reason"]
        assert str(tmp_path) not in view["reason"]


def test_bodies_of_100_mb_are_refused_and_held_nowhere(tmp_path: Path, crucible: Crucible) -> None:
    with serving(tmp_path, CRUCIBLE_TOKEN=TOKEN) as service:
        host, port = service.url.removeprefix("http://").split(":")
        told = {"Authorization": f"Bearer {TOKEN}", **YAML}
        before = memory(service.process.pid)
        head = "\r\n".join(f"{name}: {value}" for name, value in told.items())
        with socket.create_connection((host, int(port)), timeout=30) as line:
            line.sendall(
                f"POST /studies HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n{head}\r\n\r\n".encode()
            )
            assert line.recv(100).startswith(b"HTTP/1.1 413")
        with pytest.raises(httpx.HTTPError):  # 413, or a line that is cut while more is sent
            httpx.post(f"{service.url}/studies", content=pieces(), headers=told).raise_for_status()
        assert memory(service.process.pid) - before < 32 << 20
        assert httpx.get(f"{service.url}/healthz").status_code == 401
        assert httpx.get(f"{service.url}/healthz", headers=told).json()["queued"] == 0
        file = write(tmp_path, "tiny", 1)
        without = crucible("submit", file, "--url", service.url)
        assert (without.code, without.out) == (2, "")
        assert without.err.count("\n") == 1
        assert "asks for its token" in without.err
        assert crucible("submit", file, "--url", service.url, "--token", TOKEN).code == 0


class TestRefusals:
    """Of commands, in one line."""

    def refused(self, outcome: Outcome, told: str) -> None:
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1), outcome
        assert told in outcome.err

    def test_to_listen_elsewhere_without_a_token(
        self, tmp_path: Path, crucible: Crucible, own_folder: None
    ) -> None:
        serve = ("serve", "--models", TINY)
        self.refused(crucible(*serve, "--host", "0.0.0.0", "--port", 0), "give --token, or CRUCIBLE_TOKEN")
        self.refused(crucible(*serve, "--host", "0.0.0.0", "--token", ""), "--token")

    def test_a_model_folder_that_is_not_there(self, crucible: Crucible, own_folder: None) -> None:
        self.refused(crucible("serve", "--models", "none"), "--models none: no such folder")

    def test_a_port_that_is_taken(self, crucible: Crucible, own_folder: None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.refused(crucible("serve", "--models", TINY, "--port", port), f"--port {port}")

    def test_packages_that_are_not_installed(
        self, crucible: Crucible, own_folder: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "uvicorn", None)
        self.refused(crucible("serve", "--models", TINY), "uvicorn: pip install 'crucible[serve]'")

    def test_a_folder_that_another_service_has(self, tmp_path: Path, crucible: Crucible) -> None:
        with serving(tmp_path):
            again = ("serve", "--models", TINY, "--port", 0, "--folder", tmp_path / "service")
            self.refused(crucible(*again, "--storage", storage(tmp_path)), "another service uses it")

    @pytest.mark.parametrize(
        ("url", "told"),
        [
            ("http://127.0.0.1:1", "no service answers there"),
            ("file:///etc/passwd", "is no address of a service"),
            ("127.0.0.1:8642", "is no address of a service"),
            ("http://127.0.0.1:99999", "is no address of a service"),
            ("http://", "is no address of a service"),
        ],
    )
    def test_to_submit_where_no_service_is(
        self, tmp_path: Path, crucible: Crucible, url: str, told: str
    ) -> None:
        self.refused(crucible("submit", write(tmp_path, "tiny", 1), "--url", url), told)

    def test_to_submit_a_file_that_is_not_there_or_too_large(
        self, tmp_path: Path, crucible: Crucible
    ) -> None:
        self.refused(crucible("submit", tmp_path / "none.yaml"), "cannot be read: No such file")
        (tmp_path / "large.yaml").write_bytes(b"#" * (2 << 20))
        self.refused(crucible("submit", tmp_path / "large.yaml"), "at most 1048576 bytes")


def eventually(found: Callable[[], Any]) -> Any:
    """What comes of it, once it is something."""
    end = time.monotonic() + PATIENCE_S
    while not (result := found()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return result


def pieces() -> Iterator[bytes]:
    """100 MB, the length of which nobody says beforehand."""
    for _ in range(100):
        yield b"x" * 1_000_000


def memory(pid: int) -> int:
    """Resident bytes of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
