"""Extraction keeps what the teacher said, asks nothing twice, and a folder is one thing's."""

from __future__ import annotations

import fcntl
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from merging.errors import OutputError
from merging.fusion.distributions import extract as module
from merging.fusion.distributions.data import Top
from merging.fusion.distributions.extract import digest_requests, extract, extraction_bytes
from merging.fusion.distributions.shards import Extracted, open_extracted
from merging.fusion.distributions.teacher import Request, TransformersTeacher
from tests.merging.fusion.toys import SIZE, write_rule_model

REPO = Path(__file__).parents[4]
ASK = """
import sys
from pathlib import Path
from tests.merging.fusion.distributions.test_extract import Logging, asked
from merging.fusion.distributions.extract import extract

model, folder, log = map(Path, sys.argv[1:4])
told = lambda done, total: print(done, flush=True)
extract(Logging(model, log), asked(40), folder, source="s" * 64, k=4, shard=8, progress=told)
"""


DIES_IN_A_SHARD = """
import resource, signal, sys
from pathlib import Path
from tests.merging.fusion.distributions.test_extract import asked
from merging.fusion.distributions.extract import extract
from merging.fusion.distributions.teacher import TransformersTeacher

def told(done, total):
    if done == 16:  # the second shard comes next: of it the disk takes 500 bytes, and the process ends there
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))

model, folder = map(Path, sys.argv[1:3])
extract(TransformersTeacher(model), asked(40), folder, source="s" * 64, k=4, shard=8, progress=told)
"""


class Logging:
    """The rule model, which writes down whom it was asked for."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.teacher, self.log = TransformersTeacher(folder), log

    @property
    def description(self) -> str:
        return self.teacher.description

    def __call__(self, requests: Sequence[Request], k: int) -> list[Top]:
        with self.log.open("a") as lines:
            lines.writelines(f"{digest_requests([request])}\n" for request in requests)
        return self.teacher(requests, k)


def asked(count: int) -> list[Request]:
    random = np.random.default_rng(7)
    return [
        (random.integers(0, SIZE, 1 + i % 5).astype(np.int32), random.integers(0, SIZE, n).astype(np.int32))
        for i, n in enumerate(random.integers(1, 20, count))
    ]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rule_model(tmp_path_factory.mktemp("rule") / "model")


def run(model: Path, folder: Path, count: int = 20, **changed: object) -> Extracted:
    options: dict[str, object] = {"source": "s" * 64, "k": 4, "shard": 8, **changed}
    return extract(TransformersTeacher(model), asked(count), folder, **options)  # type: ignore[arg-type]


def same(a: Top, b: Top) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in ("ids", "logprobs", "tail", "gold")
    )


def test_what_is_read_is_what_the_teacher_said(model: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    requests = asked(20)
    found = extract(
        TransformersTeacher(model),
        requests,
        tmp_path / "out",
        source="s" * 64,
        k=4,
        shard=8,
        progress=lambda *at: told.append(at),
    )
    assert told == [(0, 20), (8, 20), (16, 20), (20, 20)]
    direct = [top for i in (0, 8, 16) for top in TransformersTeacher(model)(requests[i : i + 8], 4)]
    assert len(found) == 20
    assert all(same(a, b) for a, b in zip(found, direct, strict=True))
    assert same(found[-1], direct[-1])
    assert [len(top.gold) for top in found[5:10]] == [len(response) for _, response in requests[5:10]]
    assert all(same(a, b) for a, b in zip(pickle.loads(pickle.dumps(found)), direct, strict=True))
    with pytest.raises(IndexError):
        found[20]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "manifest.json",
        "shard-00000.safetensors",
        "shard-00001.safetensors",
        "shard-00002.safetensors",
    ]


def test_the_manifest_says_whose_the_distributions_are(model: Path, tmp_path: Path) -> None:
    run(model, tmp_path / "out")
    said = json.loads((tmp_path / "out" / "manifest.json").read_text())
    versions = said.pop("versions")
    assert said == {
        "format": 1,
        "source": "s" * 64,
        "data": digest_requests(asked(20)),
        "engine": "transformers/float32",
        "k": 4,
        "shard": 8,
        "examples": 20,
        "tokens": sum(len(response) for _, response in asked(20)),
    }
    assert set(versions) == {"torch", "transformers", "safetensors", "numpy"}


def test_data_are_known_by_their_tokens_and_where_the_prompts_end() -> None:
    a, b = np.array([1, 2], np.int32), np.array([3], np.int32)
    digests = [
        digest_requests(each) for each in ([(a, b)], [(a[:1], np.array([2, 3]))], [(a, b)] * 2, [(a, a)])
    ]
    assert len(set(digests)) == 4
    assert digest_requests([(a.astype(np.int64), b)]) == digests[0]


def test_a_complete_extraction_asks_nothing(model: Path, tmp_path: Path) -> None:
    first = run(model, tmp_path / "out")
    log = tmp_path / "log"
    again = extract(Logging(model, log), asked(20), tmp_path / "out", source="s" * 64, k=4, shard=8)
    assert not log.exists()
    assert all(same(a, b) for a, b in zip(again, first, strict=True))
    assert len(open_extracted(tmp_path / "out")) == 20


@pytest.mark.parametrize("after", [0, 1, 2, 4])
def test_killed_in_mid_extraction_it_goes_on_and_asks_nothing_twice_that_was_kept(
    model: Path, tmp_path: Path, after: int
) -> None:
    folder, log = tmp_path / "out", tmp_path / "log"
    command = [sys.executable, "-c", ASK, str(model), str(folder), str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPO) as child:
        assert child.stdout is not None
        for _ in range(after + 1):
            child.stdout.readline()
        child.kill()
    kept = {i for i in range(5) if (folder / f"shard-{i:05d}.safetensors").exists()}
    assert len(kept) >= max(0, after - 1)
    (folder / ".shard-00004.safetensors.tmp-12345678").write_text("half of a shard")
    log.unlink(missing_ok=True)
    found = extract(Logging(model, log), asked(40), folder, source="s" * 64, k=4, shard=8)
    wanted = [digest_requests([each]) for i, each in enumerate(asked(40)) if i // 8 not in kept]
    assert (log.read_text().split() if wanted else []) == wanted
    whole = run(model, tmp_path / "whole", 40)
    assert all(same(a, b) for a, b in zip(found, whole, strict=True))
    assert not list(folder.glob(".*"))


def test_killed_in_mid_shard_it_leaves_nothing_that_the_next_call_does_not_remove(
    model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    command = [sys.executable, "-c", DIES_IN_A_SHARD, str(model), str(folder)]
    assert subprocess.run(command, check=False, cwd=REPO).returncode == -signal.SIGXFSZ
    assert len(list(folder.glob(".*"))) == 1, "half a shard"
    assert len(list(folder.glob("shard-*"))) == 1
    run(model, folder, 40)
    assert not list(folder.glob(".*"))


def test_a_shard_may_be_read_by_whom_the_manifest_may_be(model: Path, tmp_path: Path) -> None:
    run(model, tmp_path / "out")
    assert len({file.stat().st_mode for file in (tmp_path / "out").iterdir()}) == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"source": "t" * 64},
            r"out: holds distributions of another source, ssssssssssss instead of tttttttttttt",
        ),
        ({"count": 21}, r"out: holds distributions of another data"),
        ({"k": 5}, r"out: holds distributions of another k, 4 instead of 5; name another folder, or remove"),
        ({"shard": 9}, r"out: holds distributions of another shard, 8 instead of 9"),
    ],
)
def test_a_folder_of_something_else_is_refused_in_one_line(
    model: Path, tmp_path: Path, changed: dict[str, object], message: str
) -> None:
    run(model, tmp_path / "out")
    with pytest.raises(OutputError, match=message) as error:
        run(model, tmp_path / "out", **changed)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


def test_another_engine_is_something_else(model: Path, tmp_path: Path) -> None:
    run(model, tmp_path / "out")
    teacher = TransformersTeacher(model, dtype="bfloat16")
    with pytest.raises(
        OutputError, match="another engine, transformers/float32 instead of transformers/bfloat16"
    ):
        extract(teacher, asked(20), tmp_path / "out", source="s" * 64, k=4, shard=8)


def test_a_folder_that_is_not_ours_is_left_alone(model: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("")
    with pytest.raises(
        OutputError, match=r"out: holds thesis\.tex, but no manifest\.json; name another folder"
    ):
        run(model, tmp_path / "out")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file: cannot be written .*; choose another place"):
        run(model, tmp_path / "file")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{}")
    with pytest.raises(OutputError, match=r"broken/manifest\.json: is no manifest of distributions"):
        run(model, tmp_path / "broken")


def test_two_processes_do_not_measure_the_same(model: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    held = os.open(tmp_path / "out", os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match="out: another process is extracting into it; wait for it"):
            run(model, tmp_path / "out")
    finally:
        os.close(held)
    assert len(run(model, tmp_path / "out")) == 20


def test_a_disk_too_small_is_found_before_anything_is_asked(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = extraction_bytes(asked(20), 4, 8)
    room = SimpleNamespace(disk_usage=lambda _: SimpleNamespace(free=needed - 1))
    monkeypatch.setattr(module, "shutil", room)
    log = tmp_path / "log"
    with pytest.raises(
        OutputError,
        match=r"out: a disk too small for the distributions: they need 0\.0 MB, 0\.0 MB are free; make room",
    ):
        extract(Logging(model, log), asked(20), tmp_path / "out", source="s" * 64, k=4, shard=8)
    assert not log.exists()
    monkeypatch.undo()
    run(model, tmp_path / "out")
    files = (tmp_path / "out").glob("*.safetensors")
    assert sum(file.stat().st_size for file in files) <= needed
    monkeypatch.setattr(module, "shutil", room)
    assert len(run(model, tmp_path / "out")) == 20  # all is there: it needs no room


def test_folders_that_are_not_finished_or_damaged_say_so(model: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"nothing: holds no distributions; extract them first"):
        open_extracted(tmp_path / "nothing")
    found = run(model, tmp_path / "out")
    shard = tmp_path / "out" / "shard-00001.safetensors"
    shutil.copy(shard, tmp_path / "copy")
    shard.unlink()
    with pytest.raises(OutputError, match=r"out: lacks 1 of 3 shards; go on extracting into it"):
        open_extracted(tmp_path / "out")
    shard.write_bytes((tmp_path / "copy").read_bytes()[:100])
    with pytest.raises(OutputError, match=r"shard-00001\.safetensors: cannot be read .* extract again"):
        found[9]


def test_no_examples_are_no_shards(model: Path, tmp_path: Path) -> None:
    assert len(run(model, tmp_path / "out", 0)) == 0
    assert extraction_bytes([], 4) == 0
