"""How much of a cluster each worker gets, and what is missing where there is no place for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """A living node, and all that it has."""

    name: str
    cores: int
    gpus: int

    def __str__(self) -> str:
        return f"{self.name} ({self.cores} CPU, {self.gpus} GPU)"


@dataclass(frozen=True)
class Share:
    """What one worker needs, all of it on one node."""

    cores: int
    gpus: int

    def __str__(self) -> str:
        return f"{self.gpus} GPU and {self.cores} CPU" if self.gpus else f"{self.cores} CPU"


def share(nodes: Sequence[Node], workers: int, gpus: int) -> Share:
    """What each of `workers` gets: that many GPUs, and as many cores as there are for everybody."""
    cores = max((node.cores for node in nodes), default=1)
    while cores > 1 and sum(room(node, Share(cores, gpus)) for node in nodes) < workers:
        cores -= 1
    return Share(max(1, cores), gpus)


def room(node: Node, each: Share) -> int:
    """How many workers an empty node has room for."""
    by_cores = node.cores // each.cores
    return min(by_cores, node.gpus // each.gpus) if each.gpus else by_cores


def shortage(nodes: Sequence[Node], each: Share, free: Mapping[str, float]) -> str:
    """What one worker needs and what there is, for people; `free` are Ray's resources that nobody has."""
    there = ", ".join(map(str, nodes)) or "no node"
    left = f"{free.get('CPU', 0):g} CPU and {free.get('GPU', 0):g} GPU are free"
    return f"a worker needs {each} on one node; the cluster has {there}, of which {left}"
