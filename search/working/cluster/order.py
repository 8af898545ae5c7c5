"""What is asked of the process that places workers, and what it tells: lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

Kind = Literal["connected", "alive", "said", "told", "ended", "lost"]


@dataclass(frozen=True)
class Order:
    """Workers to be placed."""

    address: str
    gpus: int
    """Of each worker, where the cluster has any."""
    study: str
    """The study file, by the path at which every node has it."""
    sha256: str
    """Of the study file: a node that has another one is no place for its workers."""
    commands: tuple[tuple[str, ...], ...]
    """What Python is given on each worker's command line."""
    environment: Mapping[str, str]
    """What each worker's environment has beside its node's."""
    wait_s: float
    """How long no worker may have a place before the order is given up."""
    parent: int
    """The process that gives the order, and is not outlived."""


@dataclass(frozen=True)
class Event:
    """What became of an order."""

    kind: Kind
    """A worker `said` a line, the process `told` what it did, or is merely `alive`; the last is `ended`, or
    `lost` if there is no cluster any more."""
    text: str = ""
    number: int = 0
    """Which worker `said` it; the exit code of what `ended`."""


def written(message: Order | Event) -> str:
    """One line."""
    return json.dumps(asdict(message)) + "\n"


def read_order(line: str) -> Order:
    """An order as it was written."""
    said = json.loads(line)
    return Order(**{**said, "commands": tuple(map(tuple, said["commands"]))})


def read_event(line: str) -> Event:
    """An event as it was written."""
    return Event(**json.loads(line))
