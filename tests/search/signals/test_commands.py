"""`crucible run` and `crucible worker` with everything that signals, as a person starts them."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import pytest

from search.signals.signalling import Signals, signalling
from tests.search.conftest import Finished, Outcome, small_study, write_study
from tests.search.signals.receiver import receiving
from tests.search.signals.test_metrics import Samples, samples
from tests.search.working.conftest import TRIALS, MakeScene, make_scene

__all__ = ["make_scene"]


def lines(said: str) -> list[dict[str, Any]]:
    """Every line is an object of JSON."""
    return [json.loads(line) for line in said.splitlines()]


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def scraped(port: int, *key: str, least: float) -> Samples:
    """The metrics, once that one is so large."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            found = samples(httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text)
        except httpx.ConnectError:
            found = {}
        if found.get(key, 0) >= least:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{key} is not {least}: {found}")


def test_a_run_signals_in_every_way(make_scene: MakeScene, sqlite_url: str) -> None:
    scene, port = make_scene(sqlite_url, trials=8, seconds=0.3), free_port()
    with receiving(503, 204) as receiver:
        run = scene.start("run", "--webhook", receiver.url, "--metrics", port, "--log", "json", "--json")
        found = scraped(port, "crucible_trials", "tiny", "complete", least=2)
        out, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    assert found["crucible_up",] == 1
    assert found["crucible_study_state", "tiny", "searching"] == 1
    assert found["crucible_workers", "tiny", "working"] == 1
    assert json.loads(out)[0]["study"] == "tiny"
    said = lines(err)
    steps = [each for each in said if each.get("event") == "step"]
    assert [each["candidate"] for each in steps if each["phase"] == "trials"] == [
        f"trial {number}" for number in range(8)
    ]
    assert {each["phase"] for each in steps} == {"baselines", "trials", "holdout"}
    assert [each["event"] for each in receiver.posted] == ["ended", "ended"], (
        "the first was answered with 503"
    )
    told = receiver.posted[-1]
    assert (told["state"], told["trials"], told["workers"]) == ("complete", {"complete": 8, "failed": 0}, 0)
    assert "holdout items" in told["conclusion"]


def test_several_workers_are_one_study_and_one_event(
    make_scene: MakeScene, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = make_scene(sqlite_url, trials=6, seconds=0.1)
    with receiving() as receiver:
        monkeypatch.setenv("CRUCIBLE_WEBHOOK", receiver.url)
        done = scene.run("run", "--workers", 2, "--log", "json")
    assert done.returncode == 0, done.stderr
    assert [each["state"] for each in receiver.posted] == ["complete"]
    assert {each["phase"] for each in lines(done.stderr) if each.get("event") == "step"} == {
        "baselines",
        "trials",
        "holdout",
    }


def test_a_run_that_is_interrupted_says_so_and_shows_no_secret(
    make_scene: MakeScene, sqlite_url: str
) -> None:
    scene = make_scene(sqlite_url, trials=200, seconds=0.1)
    with receiving() as receiver:
        run = scene.start("run", "--webhook", f"{receiver.url}/SECRET", "--log", "json")
        scene.wait(TRIALS, 2, run)
        run.send_signal(signal.SIGTERM)
        _, err = run.communicate(timeout=60)
    assert run.returncode == 143
    (told,) = receiver.posted
    assert (told["event"], told["state"], told["reason"]) == ("ended", "stopped", "SIGTERM")
    end = lines(err)[-1]
    assert (end["event"], end["exit_code"]) == ("end", 143)
    assert "--webhook URL" in end["message"]
    assert "SECRET" not in err


def test_a_study_that_others_stop_is_told_of_by_the_last_worker(
    make_scene: MakeScene, sqlite_url: str, crucible: Callable[..., Outcome]
) -> None:
    scene = make_scene(sqlite_url, trials=200, seconds=0.1)
    with receiving() as receiver:
        worker = scene.start("worker", "--webhook", receiver.url, "--log", "json")
        scene.wait(TRIALS, 2, worker)
        assert crucible("stop", "tiny", "--storage", sqlite_url).code == 0
        _, err = worker.communicate(timeout=60)
    assert worker.returncode == 0, err
    assert [(each["event"], each["state"]) for each in receiver.posted] == [("ended", "stopped")]
    assert (
        lines(err)[-1]["message"]
        == "tiny: stopped, as `crucible stop` asked; `crucible resume` takes that back"
    )


def test_a_run_that_cannot_begin_is_told_of(make_scene: MakeScene, sqlite_url: str) -> None:
    scene = make_scene(sqlite_url)
    (scene.file.parent / "math").unlink()
    with receiving() as receiver:
        done = scene.run("run", "--webhook", receiver.url, "--log", "json")
    assert done.returncode == 2
    (told,), (delivered, end) = receiver.posted, lines(done.stderr)
    assert delivered["message"].startswith("webhook http://127.0.0.1:")
    assert (told["event"], told["state"]) == ("failed", "failed")
    assert told["reason"] in end["message"]
    assert (end["level"], end["exit_code"]) == ("ERROR", 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--webhook", "ftp://example.com/SECRET"),
            "ftp://example.com/… is no address to post to",
        ),
        (("--webhook", ""), "--webhook: what was given is no address to post to"),
        (("--metrics", "99999"), "--metrics': Input should be less than or equal to 65535"),
        (("--stall-minutes", "0"), "--stall-minutes': Input should be greater than or equal to 1"),
        (("--log", "xml"), "'xml' is not one of 'text', 'json'"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(
    options: tuple[str, ...], said: str, make_scene: MakeScene, sqlite_url: str
) -> None:
    scene = make_scene(sqlite_url)
    done = scene.run("run", *options)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert "SECRET" not in done.stderr
    assert scene.rows("select * from crucible_studies") == []


def test_an_engine_with_a_model_says_nothing_but_json_either(make_scene: MakeScene, sqlite_url: str) -> None:
    scene = make_scene(sqlite_url)
    write_study(scene.file.parent, small_study(trials=2, items=3))
    # Not forked: what libraries print while they are imported has to be JSON, too.
    words = ("run", str(scene.file), "--storage", scene.url, "--log", "json")
    done = subprocess.run([sys.executable, "-m", "search", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len([each for each in lines(done.stderr) if each.get("phase") == "trials"]) == 2


def test_a_complete_study_says_what_it_proved(finished: Finished) -> None:
    with receiving() as receiver, signalling(Signals(receiver.url), finished.storage, "tiny"):
        pass
    (body,) = receiver.posted
    assert (body["event"], body["state"]) == ("ended", "complete")
    assert body["trials"] == {"complete": 4, "failed": 0}
    assert body["conclusion"].split(":")[0] in body["text"]
