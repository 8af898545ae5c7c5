"""What it costs a search to be watched: `python -m benchmarks.watching [--seconds S] [--turns N]`.

A real `crucible run` with the fake engine, whose answers take so long, and `crucible dashboard` on the same
file. In turns of so many seconds nobody looks, and ten clients have the study's page open: each loads it and
asks for what is new as often, and with the same requests, as a browser does. A trial counts to the turn that
it lies wholly in; what is compared are medians of the trials' times, off and on, within one run.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.crew import NAME, write_study
from benchmarks.neighbours import start_watch
from benchmarks.samples import say
from studies import open_study

CLIENTS = 10
MOST = 1.01
"""How many times as long trials may take while all of them watch."""
_POLL = re.compile(r'<div id="poll"[^>]*hx-get="([^"]*)"[^>]*data-every="([\d.]+)"')
_CURVE = re.compile(r'data-curve="([^"]*)"')
_WARM_S = 120.0
"""How long the first trial may take to be there."""


@dataclass
class Turn:
    """Some seconds with clients or without."""

    clients: int
    began: datetime
    ended: datetime | None = None
    serving: float = 0.0
    """Cores that the dashboard kept busy meanwhile."""
    others: float = 0.0
    """Cores that anything but this process kept busy meanwhile: the search and the dashboard, too."""
    trials: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Seen:
    """What the measurement came to."""

    off: float
    """Median seconds of a trial."""
    on: float
    trials_off: int
    trials_on: int
    requests: int
    received: int
    """Bytes, by all clients."""
    pairs: tuple[float, ...]
    """Of each turn with clients: its median over that of the turn before it."""
    cores_off: float
    """That the dashboard kept busy, in the median turn."""
    cores_on: float
    engine_seconds: float

    @property
    def ratio(self) -> float:
        """How many times as long a trial takes while it is watched."""
        return self.on / self.off


@dataclass
class Browser:
    """One client that has the study's page open."""

    port: int
    path: str
    requests: int = 0
    received: int = 0

    def watch(self, until: threading.Event) -> None:
        """Load the page, then ask for what is new as it says, until told to stop."""
        page = self._get(self.path)
        curves = [html.unescape(each) for each in _CURVE.findall(page)]
        newest = {curve: self._newest(curve, -1) for curve in curves}
        while found := _POLL.search(page):
            if until.wait(float(found[2])):
                return
            page = self._get(html.unescape(found[1]), {"HX-Request": "true"})
            newest = {curve: self._newest(curve, after) for curve, after in newest.items()}
        raise RuntimeError("the page has nothing that asks for what is new")

    def _newest(self, curve: str, after: int) -> int:
        found = json.loads(self._get(f"{curve}?after={after}"))
        columns = found if isinstance(found, list) else found.get("curves", [found])
        newest: int = max([after, *(number for each in columns for number in each.get("number", []))])
        return newest

    def _get(self, path: str, headers: dict[str, str] | None = None) -> str:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status not in (200, 204):
            raise RuntimeError(f"{path}: {answer.status}")
        self.requests, self.received = self.requests + 1, self.received + len(body)
        return body.decode()


def measure(folder: Path, seconds: float, turns: int, length: float) -> Seen:
    """Run the study and the dashboard in a folder, and take the turns."""
    url = f"sqlite:///{folder / 'crucible.db'}"
    study = write_study(folder, trials=5_000, seconds=seconds, items=16)
    with _started("run", str(study), "--storage", url, "--anyway", log=folder / "run.log") as search:
        _await_trials(url, search)
        port_file = folder / "dashboard.log"
        with _started("dashboard", "--storage", url, "--port", "0", log=port_file) as pages:
            port = _await_port(port_file)
            browsers = [Browser(port, "/studies/1") for _ in range(CLIENTS)]
            found = [_turn(browsers if i % 2 else [], length, pages.pid) for i in range(turns)]
        if search.poll() is not None:
            raise RuntimeError(f"the search ended: {(folder / 'run.log').read_text()[-500:]}")
    return _seen(url, found, browsers, seconds)


def _turn(browsers: Sequence[Browser], length: float, dashboard: int) -> Turn:
    until, turn, watch = threading.Event(), Turn(len(browsers), _now()), start_watch()
    before = _processor_seconds(dashboard)
    errors: list[BaseException] = []

    def look(browser: Browser, delay: float) -> None:
        try:
            if not until.wait(delay):
                browser.watch(until)
        except BaseException as error:
            errors.append(error)

    # Ten people don't open a page in the same moment.
    threads = [threading.Thread(target=look, args=(b, 0.3 * i)) for i, b in enumerate(browsers)]
    for each in threads:
        each.start()
    time.sleep(length)
    turn.ended, turn.others = _now(), watch.others()
    turn.serving = (_processor_seconds(dashboard) - before) / length
    until.set()
    for each in threads:
        each.join()
    if errors:
        raise errors[0]
    say(f"{turn.clients} clients: the dashboard kept {turn.serving:.3f} of {turn.others:.2f} cores busy")
    return turn


def _seen(url: str, turns: Sequence[Turn], browsers: Sequence[Browser], seconds: float) -> Seen:
    with open_study(url, NAME) as study:
        trials = study.trials()
    complete = trials[trials["state"] == "complete"]
    for row in complete.itertuples():
        for turn in turns:
            if turn.ended is not None and turn.began <= row.started and row.finished <= turn.ended:
                turn.trials.append(row.seconds)
    off = [each for turn in turns if not turn.clients for each in turn.trials]
    on = [each for turn in turns if turn.clients for each in turn.trials]
    pairs = zip(turns[::2], turns[1::2], strict=True)
    return Seen(
        off=median(off),
        on=median(on),
        trials_off=len(off),
        trials_on=len(on),
        requests=sum(each.requests for each in browsers),
        received=sum(each.received for each in browsers),
        pairs=tuple(median(second.trials) / median(first.trials) for first, second in pairs),
        cores_off=median(turn.serving for turn in turns if not turn.clients),
        cores_on=median(turn.serving for turn in turns if turn.clients),
        engine_seconds=seconds,
    )


@contextmanager
def _started(*arguments: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        command = [sys.executable, "-m", "search", *arguments]
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def _await_trials(url: str, search: subprocess.Popen[bytes]) -> None:
    """Until baselines are measured and the pace of trials is an even one."""
    until = time.monotonic() + _WARM_S
    while time.monotonic() < until and search.poll() is None:
        time.sleep(1)
        try:
            with open_study(url, NAME) as study:
                if (study.trials()["state"] == "complete").sum() >= 10:
                    return
        except (ValueError, KeyError):
            continue  # nothing is there yet
    raise RuntimeError("no trials came")


def _await_port(log: Path) -> int:
    until = time.monotonic() + _WARM_S
    while time.monotonic() < until:
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text()):
            return int(found[1])
        time.sleep(0.2)
    raise RuntimeError(f"no dashboard: {log.read_text()}")


def _processor_seconds(pid: int) -> float:
    """That a process has used, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.watching", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seconds", type=float, default=0.5, help="in which the engine answers a batch")
    parser.add_argument("--turns", type=int, default=8, help="off and on in turns: an even number")
    parser.add_argument("--turn", type=float, default=20.0, help="seconds of each")
    given: Any = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        seen = measure(Path(folder), given.seconds, given.turns, given.turn)
    print(json.dumps({**asdict(seen), "ratio": seen.ratio, "within": seen.ratio <= MOST}, indent=2))


if __name__ == "__main__":
    main()
