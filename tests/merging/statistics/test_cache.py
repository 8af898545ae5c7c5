"""Statistics on disk: made once for all processes, and never in the way of a merge."""

from __future__ import annotations

import errno
import fcntl
import os
import pickle
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest
import torch
from torch import Tensor

from merging.statistics.cache import StatisticsCache


class Maker:
    """Makes a statistic, and counts how often it was asked to."""

    def __init__(self, value: float = 1.0) -> None:
        self.value, self.times = value, 0

    def __call__(self) -> Mapping[str, Tensor]:
        self.times += 1
        return {"value": torch.full((1000,), self.value), "number": torch.tensor(7)}


@pytest.fixture
def cache(tmp_path: Path) -> StatisticsCache:
    return StatisticsCache(tmp_path / "statistics")


def get(
    cache: StatisticsCache, make: Callable[[], Mapping[str, Tensor]], *sources: str, on_disk: bool = True
) -> float:
    found = cache.get("kind", sources or ("a",), make, on_disk=on_disk)
    assert found["number"] == 7
    (value,) = set(found["value"].tolist())
    return float(value)


def anew(cache: StatisticsCache) -> StatisticsCache:
    """As another process finds it."""
    return StatisticsCache(cache.folder)


def files(cache: StatisticsCache) -> list[Path]:
    return [path for path in cache.folder.rglob("*") if path.is_file()]


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow beyond 100 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_statistic_is_made_once(cache: StatisticsCache) -> None:
    make = Maker()
    assert get(cache, make) == get(cache, make) == get(anew(cache), make) == 1.0
    assert make.times == 1
    assert len(files(cache)) == 1


def test_another_process_finds_it(cache: StatisticsCache) -> None:
    get(cache, Maker(3.0))
    code = """
import pickle, sys
cache = pickle.loads(bytes.fromhex(sys.argv[1]))
found = cache.get("kind", ("a",), lambda: sys.exit("made anew"), on_disk=True)
print(found["value"].unique().item(), int(found["number"]))
"""
    command = [sys.executable, "-c", code, pickle.dumps(cache).hex()]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "3.0 7\n"


def test_a_file_is_named_by_kind_and_content(cache: StatisticsCache) -> None:
    make = Maker()
    for kind, sources in (("kind", ("a",)), ("kind", ("b",)), ("kind", ("a", "b")), ("other", ("a",))):
        cache.get(kind, sources, make, on_disk=True)
    assert make.times == 4
    assert len(files(cache)) == 4


def test_the_order_of_contents_matters(cache: StatisticsCache) -> None:
    assert get(cache, Maker(1.0), "a", "b") != get(cache, Maker(2.0), "b", "a")
    assert (get(anew(cache), Maker(), "a", "b"), get(anew(cache), Maker(), "b", "a")) == (1.0, 2.0)


def test_what_is_not_worth_a_file_stays_in_memory(cache: StatisticsCache) -> None:
    make = Maker()
    assert get(cache, make, on_disk=False) == get(cache, make, on_disk=False)
    assert make.times == 1
    assert not cache.folder.exists()


@pytest.mark.parametrize("left", [0, 4, 100, -1])
def test_a_damaged_file_is_made_anew(cache: StatisticsCache, left: int) -> None:
    get(cache, Maker(1.0))
    (file,) = files(cache)
    file.write_bytes(file.read_bytes()[:left])
    make = Maker(2.0)
    assert get(anew(cache), make) == get(anew(cache), make) == 2.0
    assert make.times == 1


def test_a_file_of_something_else_is_made_anew(cache: StatisticsCache) -> None:
    get(cache, Maker(1.0))
    (file,) = files(cache)
    file.write_text("not a tensor in here, but long enough to be read as a header")
    assert get(anew(cache), Maker(2.0)) == 2.0


def test_a_folder_that_cannot_be_made_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache, make = StatisticsCache(tmp_path / "file" / "statistics"), Maker()
    assert get(cache, make) == get(cache, make) == 1.0
    assert make.times == 1


def test_a_full_disk_stops_nothing_and_leaves_nothing(cache: StatisticsCache) -> None:
    with full_disk():
        assert get(cache, Maker(1.0)) == 1.0
    assert files(cache) == []
    assert get(anew(cache), Maker(2.0)) == 2.0
    assert len(files(cache)) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_folder_that_cannot_be_written_stops_nothing(cache: StatisticsCache) -> None:
    cache.folder.mkdir()
    cache.folder.chmod(0o500)
    assert get(cache, Maker(1.0)) == 1.0


def test_what_a_killed_process_had_begun_to_write_is_removed(cache: StatisticsCache) -> None:
    code = (
        "import resource, signal, sys; from pathlib import Path;"
        "from merging.statistics.cache import StatisticsCache;"
        "from tests.merging.statistics.test_cache import Maker;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_DFL);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500));"
        "StatisticsCache(Path(sys.argv[1])).get('kind', ('a',), Maker(), on_disk=True)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(cache.folder)], check=False)
    assert ended.returncode == -signal.SIGXFSZ
    assert [file.name[0] for file in files(cache)] == ["."]
    assert get(cache, Maker()) == 1
    assert [file.suffix for file in files(cache)] == [".safetensors"]


def test_a_failure_to_make_is_not_remembered(cache: StatisticsCache) -> None:
    def fail() -> Mapping[str, Tensor]:
        raise ValueError("no statistic")

    with pytest.raises(ValueError, match="no statistic"):
        get(cache, fail)
    assert get(cache, Maker()) == 1.0


def test_maps_do_not_travel_between_processes(cache: StatisticsCache) -> None:
    get(cache, Maker())
    back = pickle.loads(pickle.dumps(cache))
    assert (back.folder, back.known) == (cache.folder, {})


def test_of_several_that_need_the_same_at_once_one_makes_it(cache: StatisticsCache) -> None:
    make = Maker()

    def slowly() -> Mapping[str, Tensor]:
        time.sleep(0.2)
        return make()

    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(get, anew(cache), slowly) for _ in range(8)]
    assert {each.result() for each in found} == {1.0}
    assert make.times == 1


def test_a_statistic_that_is_made_of_another_waits_for_nobody(cache: StatisticsCache) -> None:
    inner = Maker(2.0)
    assert get(cache, lambda: (get(cache, inner, "inner"), Maker()())[1], "outer") == 1.0
    assert get(anew(cache), Maker(3.0), "inner") == 2.0


def test_several_that_cannot_wait_for_each_other_all_end_well(
    cache: StatisticsCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a file system without locks, and in containers that share a home: all may have one number."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    together = Barrier(8)

    def make() -> Mapping[str, Tensor]:
        together.wait(60)
        return Maker()()

    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(get, anew(cache), make) for _ in range(8)]
    assert {each.result() for each in found} == {1.0}
    assert len(files(cache)) == 1


def test_two_processes_that_make_the_same_both_end_well(cache: StatisticsCache) -> None:
    code = """
import pickle, sys, torch
cache = pickle.loads(bytes.fromhex(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for i in range(100):
    found = cache.get("kind", (str(i),), lambda: {"value": torch.full((5000,), float(i))}, on_disk=True)
    assert torch.equal(found["value"], torch.full((5000,), float(i))), i
print("well")
"""
    command = [sys.executable, "-W", "error", "-c", code, pickle.dumps(cache).hex()]
    pipe = subprocess.PIPE
    both = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate()[0] for process in both] == ["well\n"] * 2
    assert len(files(cache)) == 100
