from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from merging.errors import OutputError
from merging.family import overlay as module
from merging.family.overlay import Change, overlay
from merging.models.checkpoint import Checkpoint, open_checkpoint
from merging.models.fingerprint import survey
from tests.merging.pico import Pico, write_model

NORM = "model.norm.weight"


@pytest.fixture
def model(tmp_path: Path) -> Checkpoint:
    return open_checkpoint(write_model(tmp_path / "m", Pico().base(), Pico()))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "xdg-cache" / "crucible" / "prepared"


def change(
    model: Checkpoint, value: float = 2.0, tensors: Iterator[tuple[str, Tensor]] | None = None
) -> Change:
    new = tensors or iter([(NORM, torch.full((16,), value))])
    return Change({"test": value}, new, 64, {**model.config, "new": 1}, model.companions())


def untouched() -> Iterator[tuple[str, Tensor]]:
    raise AssertionError("made again")
    yield


def test_new_tensors_come_from_the_cache_and_the_rest_from_where_it_was(
    model: Checkpoint, place: Path
) -> None:
    changed = overlay(model, change(model))
    assert changed.tensor(NORM).tolist() == [2.0] * 16
    assert changed.tensors[NORM].file.parent.parent == place
    assert {n: i for n, i in changed.tensors.items() if n != NORM} == {
        n: i for n, i in model.tensors.items() if n != NORM
    }
    assert (changed.path, changed.folder, changed.config["new"]) == (
        model.path,
        changed.tensors[NORM].file.parent,
        1,
    )
    assert [f.name for f in changed.companions()] == [f.name for f in model.companions()]


def test_what_is_there_is_not_made_again(model: Checkpoint) -> None:
    assert overlay(model, change(model)) == overlay(model, change(model, tensors=untouched()))


def test_an_overlay_is_fingerprinted_by_its_own_content(model: Checkpoint, tmp_path: Path) -> None:
    two, three = (overlay(model, change(model, value)) for value in (2.0, 3.0))
    cache = tmp_path / "fingerprints"
    prints = [survey(each, cache) for each in (model, two, three)]
    assert len({each.digest for each in prints}) == 3
    assert [survey(each, cache) for each in (model, two, three)] == prints
    assert len(list(cache.iterdir())) == 3


def test_an_overlay_travels_between_processes(model: Checkpoint) -> None:
    changed = overlay(model, change(model))
    changed.tensor(NORM)
    again = pickle.loads(pickle.dumps(changed))
    assert again == changed
    assert torch.equal(again.tensor(NORM), changed.tensor(NORM))


def test_tensors_that_share_memory_or_lie_askew(model: Checkpoint) -> None:
    square = torch.arange(256.0).reshape(16, 16)
    names = [name for name in model.tensors if "q_proj" in name or "o_proj" in name]
    changed = overlay(model, change(model, tensors=iter([(name, square.T) for name in names])))
    assert all(torch.equal(changed.tensor(name), square.T) for name in names)


def test_many_bytes_make_several_files(model: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARD_BYTES", 4000)
    changed = overlay(model, change(model, tensors=iter(list(model))))
    assert len(list(changed.folder.glob("*.safetensors"))) > 2
    assert all(torch.equal(tensor, model.tensor(name)) for name, tensor in changed)


def test_a_damaged_cache_is_made_anew(model: Checkpoint) -> None:
    changed = overlay(model, change(model))
    file = changed.tensors[NORM].file
    file.write_bytes(file.read_bytes()[:-1])
    assert overlay(model, change(model)).tensor(NORM).tolist() == [2.0] * 16


def test_a_cache_that_something_was_taken_from_is_made_anew(model: Checkpoint) -> None:
    """As by what removes files that were not read for long."""
    changed = overlay(model, change(model))
    names = sorted(file.name for file in changed.folder.iterdir())
    assert len(names) > 2
    for name in names:
        (changed.folder / name).unlink()
        again = overlay(model, change(model))
        assert again.tensor(NORM).tolist() == [2.0] * 16
        assert sorted(file.name for file in again.folder.iterdir()) == names


@pytest.mark.parametrize(
    "error", [ValueError("bad tensor"), KeyboardInterrupt(), OSError(28, "No space left")]
)
def test_a_failure_in_the_middle_leaves_nothing(model: Checkpoint, place: Path, error: BaseException) -> None:
    def failing() -> Iterator[tuple[str, Tensor]]:
        yield NORM, torch.zeros(16)
        raise error

    expected = OutputError if isinstance(error, OSError) else type(error)
    with pytest.raises(
        expected, match="No space left.*; set XDG_CACHE_HOME" if expected is OutputError else None
    ):
        overlay(model, change(model, tensors=failing()))
    assert [path.suffix for path in place.iterdir()] == [".lock"]


def test_a_cache_that_cannot_be_written(model: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot be written .*; set XDG_CACHE_HOME to a place that can"):
        overlay(model, change(model), tmp_path / "file")


CODE = """
import os, signal, sys, time
from pathlib import Path
import torch
from merging.models.checkpoint import open_checkpoint
from merging.family.overlay import Change, overlay

model = open_checkpoint(Path(sys.argv[1]))

def tensors():
    yield "model.norm.weight", torch.full((16,), 2.0)
    print("making", flush=True)
    if sys.argv[2] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.5)

change = Change({"test": 2.0}, tensors(), 64, dict(model.config), model.companions())
print(overlay(model, change).tensor("model.norm.weight").sum().item())
"""


def start(model: Checkpoint, how: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CODE, str(model.path), how]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    )


def test_two_processes_at_once_both_end_well(model: Checkpoint, place: Path) -> None:
    outputs = [process.communicate() for process in [start(model, "live"), start(model, "live")]]
    assert sorted(out for out, _ in outputs) == ["32.0\n", "making\n32.0\n"], outputs
    assert sorted(path.suffix for path in place.iterdir()) == ["", ".lock"]


def test_a_killed_process_holds_up_nobody(model: Checkpoint, place: Path) -> None:
    killed = start(model, "kill")
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert any(path.suffix == ".part" for path in place.iterdir())
    assert overlay(model, change(model)).tensor(NORM).tolist() == [2.0] * 16
    assert sorted(path.suffix for path in place.iterdir()) == ["", ".lock"]
