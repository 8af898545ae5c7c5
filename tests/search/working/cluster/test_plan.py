"""What each worker gets of a cluster."""

from __future__ import annotations

import pytest

from search.working.cluster.plan import Node, Share, room, share, shortage

ONE_GPU = Node("a", 16, 1)


@pytest.mark.parametrize(
    ("nodes", "workers", "gpus", "each"),
    [
        ([Node("a", 8, 0), Node("b", 8, 0)], 2, 0, Share(8, 0)),
        ([Node("a", 8, 0), Node("b", 8, 0)], 3, 0, Share(4, 0)),
        ([Node("a", 8, 0), Node("b", 3, 0)], 4, 0, Share(2, 0)),
        ([Node("head", 0, 0), Node("b", 4, 0)], 4, 0, Share(1, 0)),
        ([Node("a", 2, 0)], 5, 0, Share(1, 0)),
        ([], 2, 0, Share(1, 0)),
        ([Node("a", 16, 4), Node("b", 16, 4)], 8, 1, Share(4, 1)),
        ([Node("a", 16, 4), Node("b", 16, 4)], 4, 2, Share(8, 2)),
        ([Node("cpus", 64, 0), ONE_GPU], 1, 1, Share(16, 1)),
        ([Node("a", 8, 0)], 1, 2, Share(1, 2)),
    ],
    ids=["node each", "two on a node", "uneven nodes", "idle head", "more workers than cores",
         "empty cluster", "a GPU each", "two GPUs each", "cores beside the GPU", "GPUs where none are"],
)  # fmt: skip
def test_everybody_gets_as_much_as_there_is_for_all(
    nodes: list[Node], workers: int, gpus: int, each: Share
) -> None:
    assert share(nodes, workers, gpus) == each


def test_all_workers_have_room_wherever_one_core_each_would_do() -> None:
    nodes = [Node("a", 7, 0), Node("b", 5, 0), Node("c", 1, 0)]
    for workers in range(1, 14):
        assert sum(room(node, share(nodes, workers, 0)) for node in nodes) >= workers


def test_a_node_has_room_for_whichever_of_its_resources_runs_out_first() -> None:
    assert room(Node("a", 16, 4), Share(2, 1)) == 4
    assert room(Node("a", 4, 4), Share(2, 1)) == 2


def test_what_is_missing_is_said_with_what_is_there() -> None:
    assert shortage([Node("10.0.0.7", 4, 0)], Share(1, 2), {"CPU": 3.0, "memory": 1e9}) == (
        "a worker needs 2 GPU and 1 CPU on one node; the cluster has 10.0.0.7 (4 CPU, 0 GPU), of which 3 CPU"
        " and 0 GPU are free"
    )
