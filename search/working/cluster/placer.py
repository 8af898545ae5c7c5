"""The process that speaks with Ray: it places workers, watches them, and places them anew.

A process of its own: Ray prints to standard output and error, takes signals, and waits for minutes where
nobody answers. It reads one order from standard input and writes events to standard output; it ends with the
process that started it, and Ray then ends the actors, and these their workers.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, RayActorError, RayError

from evaluators.engines.lifeline import die_with_parent
from search.working.cluster.actor import Actor
from search.working.cluster.order import Event, Order, read_order, written
from search.working.cluster.plan import Node, Share, share, shortage
from search.working.cluster.slots import USERS, Slot, verdict

LOOK_S = 1.0
LEAVE_S = 30.0
"""How long workers have for handing back what they work on."""
SILENT_S = 60.0
"""Actors answer every second: once none has for so long, the cluster is gone, whatever Ray believes."""
SAY_WAITING_S = 15.0
"""How long a worker may be without a place before that is told."""


@dataclass
class Place:
    """A slot's actor, and the one answer that is awaited of it."""

    actor: Any
    awaited: Any
    share: Share
    since: float
    """When it answered last, or was asked for."""
    node: str = ""
    """Empty while it has none."""
    last: str = ""
    """What its worker said last."""


@dataclass
class Placer:
    """The workers of one order."""

    order: Order
    tell: Callable[[Event], None]
    slots: list[Slot] = field(default_factory=list)
    places: dict[int, Place] = field(default_factory=dict)
    asked: int | None = None
    """The signal that asks for an end."""
    homeless_since: float | None = None
    """Since when no worker has a place."""
    on_gpus: bool = False
    """Whether the cluster has, or had, GPUs: then no worker makes do without."""
    told_waiting: bool = False
    ending: bool = False

    def run(self) -> Event:
        """Keep the workers placed until nothing is left for them, or an end is asked for."""
        self.slots = [Slot(index) for index in range(len(self.order.commands))]
        found: tuple[int, str] | None = None
        while found is None and self.asked is None:
            if self._is_silent(time.monotonic()):
                return Event("lost", f"no actor answered for {SILENT_S:.0f} s")
            self.tell(Event("alive"))
            self._place_all(time.monotonic())
            self._hear(LOOK_S)
            found = verdict(self.slots, time.monotonic()) or self._without_place(time.monotonic())
        self._end_all()
        if self.asked is not None or found is None:
            return Event("ended", "", 128 + (self.asked or signal.SIGTERM))
        code, text = found
        return Event("ended", text, code)

    def _place_all(self, now: float) -> None:
        if any(slot.state == "done" for slot in self.slots):
            return  # nothing is left for another
        for slot in self.slots:
            if slot.state == "resting" and slot.until <= now:
                slot.state = "placing"
                self.places[slot.index] = self._place(slot, now)

    def _place(self, slot: Slot, now: float) -> Place:
        """Ask Ray for a place; it is given one as soon as there is one, on nodes that come later, too."""
        order = self.order
        there = nodes()
        self.on_gpus = self.on_gpus or order.gpus > 1 or any(node.gpus for node in there)
        each = share(there, len(order.commands), order.gpus if self.on_gpus else 0)
        options = {"num_cpus": each.cores, "num_gpus": each.gpus, "scheduling_strategy": "SPREAD"}
        actor = ray.remote(Actor).options(max_restarts=0, **options).remote(slot.index)
        command = order.commands[slot.index]
        begun = actor.begin.remote(order.study, order.sha256, command, order.environment)
        return Place(actor, begun, each, now)

    def _hear(self, seconds: float) -> None:
        """Take in what is answered within that time."""
        awaited = {place.awaited: index for index, place in self.places.items()}
        if not awaited:
            time.sleep(seconds)
            return
        ready, _ = ray.wait(list(awaited), num_returns=1, timeout=seconds)
        for answer in ready:
            self._take(self.slots[awaited[answer]], self.places[awaited[answer]], time.monotonic())

    def _take(self, slot: Slot, place: Place, now: float) -> None:
        """Learn from one answer how a worker is, and ask again; what has ended gives its place back."""
        working = slot.state == "working"
        try:
            said = ray.get(place.awaited)
            place.since = now
            (self._watched if working else self._begun)(slot, place, said, now)
        except ActorUnavailableError:
            if not working:  # nobody knows whether it began
                slot.lose(now)
        except RayActorError as error:
            self._died(slot, place, str(error), now)
        except RayError as error:
            slot.fail(f"{place.node or 'its actor'}: {last_line(str(error))}", now)
        if slot.state == "working":
            place.awaited = place.actor.watch.remote(LOOK_S)
        else:
            self._release(slot)

    def _begun(self, slot: Slot, place: Place, said: tuple[str, str | None], now: float) -> None:
        place.node, wrong = said
        if wrong is None:
            slot.begin(now)
            self._tell(f"worker {slot.index} is on node {place.node}")
        else:
            slot.fail(f"node {place.node}: {wrong}", now, refused=True)
            self._tell(f"worker {slot.index} cannot work on {slot.reason}")

    def _watched(self, slot: Slot, place: Place, said: tuple[list[str], int | None], now: float) -> None:
        lines, code = said
        for line in lines:
            self.tell(Event("said", line, slot.index))
        if code is not None:
            place.last = lines[-1] if lines else place.last
            slot.end(code, f"node {place.node}: {place.last or f'exit code {code}'}", now)
        elif lines:
            place.last = lines[-1]

    def _died(self, slot: Slot, place: Place, why: str, now: float) -> None:
        """Its actor is gone: with its node, or of something on it, or because none could be made there."""
        if place.node and place.node not in {node.name for node in nodes()}:
            slot.lose(now)
            return self._tell(f"node {place.node} is gone; worker {slot.index} is placed elsewhere")
        absent = "No module named" in why
        hint = " (Crucible has to be installed for the Python of every node's Ray)" if absent else ""
        slot.fail(f"node {place.node or 'unknown'}: {last_line(why)}{hint}", now, refused=absent)
        return self._tell(f"worker {slot.index} is gone from {slot.reason}; it is placed again")

    def _tell(self, text: str) -> None:
        if not self.ending:
            self.tell(Event("told", text))

    def _is_silent(self, now: float) -> bool:
        at_work = [place for at, place in self.places.items() if self.slots[at].state == "working"]
        return bool(at_work) and all(now - place.since > SILENT_S for place in at_work)

    def _release(self, slot: Slot) -> None:
        ray.kill(self.places.pop(slot.index).actor)

    def _without_place(self, now: float) -> tuple[int, str] | None:
        """What is missing, once no worker has had a place for too long; said once where some have none."""
        waiting = [place for index, place in self.places.items() if self.slots[index].state == "placing"]
        long = [place for place in waiting if now - place.since >= SAY_WAITING_S]
        if len(waiting) < len(self.slots):
            self.homeless_since = None
        elif self.homeless_since is None:
            self.homeless_since = now
        told, self.told_waiting = self.told_waiting, bool(waiting) and (self.told_waiting or bool(long))
        if long and not told:
            lacking = shortage(nodes(), long[0].share, ray.available_resources())
            self._tell(f"{len(long)} of {len(self.slots)} workers wait for a place: {lacking}")
        if self.homeless_since is None or now - self.homeless_since < self.order.wait_s:
            return None
        missing = shortage(nodes(), waiting[0].share, ray.available_resources())
        return USERS, f"no worker had a place for {self.order.wait_s:.0f} s: {missing}"

    def _end_all(self) -> None:
        """Ask all workers to hand back what they work on; who has not ended after a while is ended."""
        self.ending = True
        for index, place in self.places.items():
            if self.slots[index].state == "working":
                place.actor.stop.remote()
        end = time.monotonic() + LEAVE_S
        while any(slot.state == "working" for slot in self.slots) and time.monotonic() < end:
            self._hear(LOOK_S)
        for index in list(self.places):
            self._release(self.slots[index])


def nodes() -> list[Node]:
    """The cluster's living nodes."""
    alive = [node for node in ray.nodes() if node["Alive"]]
    return [
        Node(
            node["NodeManagerAddress"],
            int(node["Resources"].get("CPU", 0)),
            int(node["Resources"].get("GPU", 0)),
        )
        for node in alive
    ]


def last_line(text: str) -> str:
    """The last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def connect(address: str) -> str | None:
    """Join the cluster as a driver; returns what is wrong, or None."""
    try:
        ray.init(address, log_to_driver=False, logging_level="ERROR", configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        said = str(error)
        return last_line(said) if "Traceback" in said else " ".join(said.split()) or type(error).__name__
    return None


def main() -> None:
    """Do what standard input orders, and write events to standard output."""
    order = read_order(sys.stdin.readline())
    die_with_parent(order.parent)
    events = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # what Ray prints goes where its errors go

    def tell(event: Event) -> None:
        events.write(written(event))

    if (wrong := connect(order.address)) is not None:
        return tell(Event("ended", wrong, USERS))
    placer = Placer(order, tell)
    for signum in (signal.SIGINT, signal.SIGTERM):  # after Ray, which has handlers of its own
        signal.signal(signum, lambda number, _: setattr(placer, "asked", number))
    tell(Event("connected", ", ".join(map(str, nodes()))))
    last = placer.run()
    tell(last)
    if last.kind == "lost":
        os._exit(1)  # Ray would wait for what is gone
    ray.shutdown()
    return None


if __name__ == "__main__":
    main()
