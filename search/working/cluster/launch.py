"""Workers on a Ray cluster, as the machine sees them that asked for them."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from evaluators.errors import EngineError
from search.errors import SearchError
from search.running.interrupt import Interrupted
from search.study_file.spec import EngineSpec
from search.working.cluster.address import knock, read_address
from search.working.cluster.order import Event, Order, read_event, written
from search.working.cluster.slots import USERS

logger = logging.getLogger(__name__)
CONNECT_S = 60.0
"""A wrong token Ray finds in twenty seconds; that something is no Ray, in minutes."""
SILENT_S = 90.0
"""Whoever places workers says every second that it does; in a call to Ray that nobody answers, it hangs."""
LEAVE_S = 60.0
WAIT_S = 600.0
TICK_S = 0.5


def order_of(
    address: str,
    study: Path,
    spec: EngineSpec,
    commands: Sequence[Sequence[str]],
    environment: Mapping[str, str],
) -> Order:
    """What is asked of Ray, once it is known that somebody answers.

    Raises:
        SearchError: Ray is not installed here, or nothing answers at the address.
    """
    where = read_address(address)
    if importlib.util.find_spec("ray") is None:
        raise SearchError(
            f"--ray {address}: Ray is not installed; pip install 'crucible[ray]' here and on the nodes"
        )
    knock(where)
    sha256 = hashlib.sha256(study.read_bytes()).hexdigest()
    gpus = 0 if spec.name == "fake" else spec.tensor_parallel
    each, file = tuple(map(tuple, commands)), str(study.resolve())
    return Order(address, gpus, file, sha256, each, environment, WAIT_S, os.getpid())


def kept_placed(
    order: Order, hear: Callable[[int, str], None], connect_s: float = CONNECT_S
) -> Generator[None, None, None]:
    """Keep the order's workers placed, and yield twice a second, until nothing is left for them.

    `hear` is called, in this thread, with a worker's number and each line that it says.

    Closed before that, it asks them to hand back what they work on, and ends them. A cluster that was there
    and is gone is waited for as long as a worker waits for a place.

    Raises:
        SearchError: what the user can put right: of the cluster, or what workers refused.
        EngineError: workers ended again and again.
    """
    while True:
        with _placing(order) as placing:
            last = yield from placing.heard(hear, connect_s)
        if last.kind == "ended":
            break
        logger.warning("the Ray cluster at %s is gone (%s); waiting for it", order.address, last.text)
        yield from _answering(order)
    if last.number == USERS:
        raise SearchError(f"--ray {order.address}: {last.text}")
    if last.number > 128:
        raise Interrupted(last.number - 128)
    if last.number:
        raise EngineError(f"--ray {order.address}: {last.text}")


def _answering(order: Order) -> Generator[None, None, None]:
    """Wait until something answers again at the cluster's address; raises SearchError after a while."""
    address, end = read_address(order.address), time.monotonic() + order.wait_s
    while True:
        yield
        time.sleep(TICK_S)
        try:
            return knock(address)
        except SearchError:
            if time.monotonic() > end:
                raise


@dataclass
class _Placing:
    """The process that carries out an order."""

    order: Order
    process: subprocess.Popen[str]
    noise: IO[str]
    """What Ray printed."""
    events: queue.SimpleQueue[Event] = field(default_factory=queue.SimpleQueue)
    connected: bool = False

    def heard(self, hear: Callable[[int, str], None], connect_s: float) -> Generator[None, None, Event]:
        """Pass on what is told, and yield in between; returns the last event."""
        late = time.monotonic() + connect_s
        while True:
            yield
            try:
                event = self.events.get(timeout=TICK_S)
            except queue.Empty:
                if self.connected and time.monotonic() > late:
                    self.connected = False  # it hears no signal
                    return Event("lost", f"Ray has not answered for {SILENT_S:.0f} s")
                if time.monotonic() > late:
                    raise _no_cluster(self.order, f"not within {connect_s:.0f} s") from None
                continue
            if self.connected:
                late = time.monotonic() + SILENT_S
            if event.kind == "said":
                hear(event.number, event.text)
            elif event.kind == "told":
                logger.warning("%s", event.text)
            elif event.kind == "connected":
                self.connected, late = True, time.monotonic() + SILENT_S
            elif event.kind == "alive":
                pass
            elif self.connected:
                return event
            else:
                raise _no_cluster(self.order, event.text)

    def listen(self) -> None:
        """Put the process's events into the queue; the end of its output is the last one."""
        assert self.process.stdout is not None
        with self.process.stdout as told:
            for line in told:
                self.events.put(read_event(line))
        self.events.put(Event("lost", self._last_words()))

    def _last_words(self) -> str:
        self.noise.seek(0)
        lines = [line.strip() for line in self.noise if line.strip()]
        return lines[-1] if lines else "it said nothing"


def _no_cluster(order: Order, why: str) -> SearchError:
    return SearchError(
        f"--ray {order.address}: what answers there does not let this machine join a Ray cluster ({why});"
        " is it Ray, of this version, with this RAY_AUTH_TOKEN, and is this machine a node (else: ray://HOST:10001)?"
    )


@contextmanager
def _placing(order: Order) -> Iterator[_Placing]:
    """Have a process carry out the order; it and all workers are ended at the end of the block."""
    with tempfile.TemporaryFile("w+", errors="replace") as noise:
        process = subprocess.Popen(
            [sys.executable, "-m", "search.working.cluster.placer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=noise,
            text=True,
            start_new_session=True,  # Ctrl-C is for this process, which then ends that one in order
        )
        placing = _Placing(order, process, noise)
        listener = threading.Thread(target=placing.listen, daemon=True)
        try:
            assert process.stdin is not None
            process.stdin.write(written(order))
            process.stdin.close()
            listener.start()
            yield placing
        finally:
            _end(process, gently=placing.connected)
            listener.join()


def _end(process: subprocess.Popen[str], *, gently: bool) -> None:
    """One that hangs in joining a cluster hears no signal, and has placed nobody."""
    if gently:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(LEAVE_S)
    process.kill()
    process.wait()
