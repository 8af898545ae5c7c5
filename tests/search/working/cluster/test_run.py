"""`crucible run --ray`: a study on two nodes of a real Ray cluster, through deaths of all sorts."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from search.errors import SearchError
from search.study_file.spec import EngineSpec
from search.working.cluster.launch import order_of
from studies.store import StudyStore
from studies.workers.holds import held
from studies.workers.register import Watch, living
from studies.workers.wishes import ask
from tests.docs.pages import put
from tests.search.conftest import small_study, write_study
from tests.search.working.cluster.carrying import carry_out
from tests.search.working.cluster.conftest import SECOND
from tests.search.working.cluster.nodes import Cluster, descendants

THIRD = "127.0.0.4"
SOON_S = 240.0
TRIALS = 12


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study of a few seconds, whose engine is no model."""
    engine = {"name": "fake", "seconds": 0.3, "max_tokens": 8}
    study = small_study(TRIALS, engine=engine, objective="gold_logprob")
    return write_study(tmp_path, {**study, "slices": study["slices"][:2]})  # type: ignore[index]


@contextmanager
def running(
    cluster: Cluster, address: str, study: Path, url: str, workers: int
) -> Iterator[subprocess.Popen[str]]:
    """The page's command, in a process of its own."""
    line = put(
        cluster.own("crucible run"), ("--workers 8", f"--workers {workers}"), (cluster.address, address)
    )
    with (study.parent / "said").open("w") as said:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {sys.executable} -m search {line.removeprefix('crucible ')}"],
            env={**cluster.environment, "CRUCIBLE_STORAGE": url},
            cwd=study.parent,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
    with process:
        try:
            yield process
        finally:
            process.kill()


def soon(true: Callable[[], object]) -> None:
    """Wait until it is."""
    end = time.monotonic() + SOON_S
    while not true():
        assert time.monotonic() < end, "not soon enough"
        time.sleep(0.1)


def doing(store: StudyStore) -> list[str]:
    """What workers that live say they do."""
    if not store.studies():
        return []
    return sorted(each.doing or "" for each in living(store, store.study("tiny")))


def at_work(store: StudyStore, number: int) -> int:
    """How many trials are worked on."""
    return len(held(store, number, "trials"))


def workers_on(cluster: Cluster, node: str) -> list[int]:
    """Worker processes on a node."""
    commands = {pid: Path(f"/proc/{pid}/cmdline") for pid in descendants(cluster.nodes[node].pid)}
    return [pid for pid, line in commands.items() if line.exists() and b"\0worker\0" in line.read_bytes()]


def test_a_node_dies_and_its_trial_is_measured_elsewhere_and_a_new_node_is_used(
    cluster: Cluster, study: Path, postgres_url: str
) -> None:
    said = study.parent / "said"
    with StudyStore(postgres_url) as store, running(cluster, cluster.address, study, postgres_url, 2) as run:
        soon(store.studies)
        number = store.study("tiny")
        ask(store, number, "pause")  # until both are there
        soon(lambda: doing(store) == ["paused", "paused"])
        ask(store, number, None)
        soon(lambda: at_work(store, number) == 2)
        cluster.kill(SECOND)
        ask(store, number, "pause")  # until there is a new node
        soon(lambda: f"node {SECOND} is gone" in said.read_text())
        cluster.add(THIRD, cores=1)
        soon(lambda: f"is on node {THIRD}" in said.read_text())
        ask(store, number, None)
        out, _ = run.communicate(timeout=SOON_S)
        trials = [row for row in store.candidates(number) if row.kind == "trial"]
        (state,) = [each.state for each in store.studies()]
    assert run.returncode == 0, said.read_text()
    assert [(row.trial, row.state) for row in trials] == [(n, "complete") for n in range(TRIALS)]
    assert state == "complete"
    assert "trial" in out
    assert "Traceback" not in said.read_text()


def test_killed_it_leaves_no_worker_and_interrupted_it_hands_back_what_was_worked_on(
    cluster: Cluster, study: Path, postgres_url: str
) -> None:
    nodes = list(cluster.nodes)
    with StudyStore(postgres_url) as store:
        with running(cluster, cluster.address, study, postgres_url, 1) as run:
            soon(lambda: any(workers_on(cluster, node) for node in nodes))
            run.kill()
            soon(lambda: not any(workers_on(cluster, node) for node in nodes))
        for each in store.studies():
            Watch().bury(store, each.id)  # or it would pass for the next one
        with running(cluster, cluster.client_address, study, postgres_url, 1) as run:
            soon(lambda: any(doing(store)))
            run.send_signal(signal.SIGTERM)
            assert run.wait(SOON_S) == 143
        assert doing(store) == []
    assert "Everything measured is kept; to go on: crucible run" in (study.parent / "said").read_text()
    assert not any(workers_on(cluster, node) for node in nodes)


def written(folder: Path, name: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(f"name: {name}\n")
    return path


@pytest.fixture
def member(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The cluster, which this process may join."""
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    return cluster


def test_engines_that_no_node_has_room_for_are_not_waited_for_forever(
    member: Cluster, tmp_path: Path
) -> None:
    split = EngineSpec(name="vllm", tensor_parallel=2)
    order = order_of(member.address, written(tmp_path, "tiny"), split, [["-m", "search"]], {})
    with pytest.raises(
        SearchError, match=r"no worker had a place for 2 s: .* needs 2 GPU and 1 CPU on one node"
    ):
        carry_out(replace(order, wait_s=2.0))


def test_a_study_file_that_is_another_one_on_the_nodes_is_refused(member: Cluster, tmp_path: Path) -> None:
    order = order_of(member.address, written(tmp_path, "tiny"), EngineSpec(), [["-m", "search"]], {})
    written(tmp_path, "another")
    with pytest.raises(SearchError, match=r"node 127\.0\.0\.\d: .*study\.yaml is another file there"):
        carry_out(order)
