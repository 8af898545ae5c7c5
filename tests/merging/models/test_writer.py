from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import warnings
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from merging.errors import OutputError
from merging.layout import layer_order
from merging.models.checkpoint import Checkpoint, open_checkpoint
from merging.models.fingerprint import survey
from merging.models.writer import checkpoint_bytes, ensure_writable, save_text, write_checkpoint
from tests.merging.pico import Pico, edit_json, write_model

Usage = namedtuple("Usage", "total used free")

FULL = OSError(28, "No space left on device")


@pytest.fixture
def donor(tmp_path: Path) -> Checkpoint:
    return open_checkpoint(write_model(tmp_path / "models" / "donor", Pico().base(), Pico()))


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """An empty folder to write into, where anything left behind shows."""
    (tmp_path / "room").mkdir()
    return tmp_path / "room"


def write(donor: Checkpoint, out: Path, **changes: object) -> Path:
    return write_checkpoint(**{"source": donor, "out": out, "donor": donor, "dtype": "bfloat16", **changes})  # type: ignore[arg-type]


def test_what_was_written_is_the_same_model(donor: Checkpoint, room: Path) -> None:
    assert survey(open_checkpoint(write(donor, room / "out"))) == survey(donor)
    assert [path.name for path in room.iterdir()] == ["out"]


def test_shards_hold_the_same_model_under_the_standard_names(donor: Checkpoint, room: Path) -> None:
    out = write(donor, room / "out", shard_bytes=4000)
    shards = sorted(path.name for path in out.glob("*.safetensors"))
    assert len(shards) > 2
    assert shards[0] == f"model-00001-of-{len(shards):05d}.safetensors"
    index = json.loads((out / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == sum(tensor.nbytes for _, tensor in donor)
    assert all((out / shard).stat().st_size < 4000 + 2000 for shard in shards)
    assert survey(open_checkpoint(out)) == survey(donor)


def test_everything_that_a_model_needs_comes_along(donor: Checkpoint, room: Path) -> None:
    out = write(donor, room / "out", extra={"merge.yaml": "merge_method: ties\n"})
    assert sorted(os.listdir(out)) == sorted([*os.listdir(donor.path), "merge.yaml"])
    assert (out / "chat_template.jinja").read_text() == (donor.path / "chat_template.jinja").read_text()
    assert (out / "merge.yaml").read_text() == "merge_method: ties\n"


@pytest.mark.parametrize("shard_bytes", [5e9, 4000])
def test_transformers_loads_it(donor: Checkpoint, room: Path, shard_bytes: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # transformers' own, on import
        from transformers import AutoModelForCausalLM, AutoTokenizer

        out = write(donor, room / "out", shard_bytes=shard_bytes)
        model = AutoModelForCausalLM.from_pretrained(out)
        tokenizer = AutoTokenizer.from_pretrained(out)
    assert model.dtype == torch.bfloat16
    assert torch.equal(model.lm_head.weight, donor.tensor("lm_head.weight"))
    assert tokenizer.decode(tokenizer("1+2<3")["input_ids"]) == "1+2<3"


def contents(model: Path) -> dict[str, bytes]:
    """Bytes of every tensor, as safetensors reads them."""
    files = sorted(model.glob("*.safetensors"))
    tensors = {name: tensor for file in files for name, tensor in load_file(file).items()}
    return {name: tensor.reshape(-1).view(torch.uint8).numpy().tobytes() for name, tensor in tensors.items()}


@pytest.mark.parametrize("shard_bytes", [5e9, 4000, 1])
def test_bytes_are_the_donors_whatever_the_shards(donor: Checkpoint, room: Path, shard_bytes: float) -> None:
    out = write(donor, room / "out", shard_bytes=shard_bytes)
    assert contents(out) == contents(donor.path)
    shards = len(list(out.glob("*.safetensors")))
    assert shards == {5e9: 1, 1: len(donor.tensors)}.get(shard_bytes, shards)


def test_a_source_may_take_turns_with_two_buffers(donor: Checkpoint, room: Path) -> None:
    buffers = torch.empty(2, max(info.numel for info in donor.tensors.values()), dtype=torch.bfloat16)

    def source() -> Iterator[tuple[str, Tensor]]:
        for i, (name, tensor) in enumerate(donor):
            yield name, buffers[i % 2, : tensor.numel()].view(tensor.shape).copy_(tensor)

    out = write(donor, room / "out", source=source(), shard_bytes=4000)
    assert contents(out) == contents(donor.path)


def test_more_than_was_planned_is_our_mistake(donor: Checkpoint, room: Path) -> None:
    with pytest.raises(AssertionError, match=r"extra\.weight was not planned"):
        write(donor, room / "out", source=[*donor, ("extra.weight", torch.zeros(1))])
    assert list(room.iterdir()) == []


def test_stacked_layers_are_written_with_their_number(donor: Checkpoint, room: Path) -> None:
    tensors = dict(donor)
    for name in list(tensors):
        if ".layers.1." in name:
            tensors[name.replace(".layers.1.", ".layers.2.")] = tensors[name]
    source = {name: tensors[name] for name in layer_order(tensors)}
    shapes = {name: tuple(tensor.shape) for name, tensor in source.items()}
    changes = {"source": source.items(), "shapes": shapes, "depth": 3, "origins": (0, 1, 1)}
    out = write(donor, room / "out", **changes, dtype="float32")
    written = open_checkpoint(out)
    assert written.config["num_hidden_layers"] == 3
    assert [name for name, _ in written] == list(source)
    assert sum(path.stat().st_size for path in out.iterdir()) <= checkpoint_bytes(donor, "float32", shapes)
    assert checkpoint_bytes(donor, "float32", shapes) > checkpoint_bytes(donor, "float32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # transformers' own, on import
        from transformers import AutoModelForCausalLM

        model, info = AutoModelForCausalLM.from_pretrained(out, output_loading_info=True)
    assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert len(model.model.layers) == 3


MEMORY = """
import sys
from pathlib import Path
import torch
from merging.models.checkpoint import open_checkpoint
from merging.models.writer import write_checkpoint

def anonymous():
    line = next(line for line in open("/proc/self/status") if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024

def watched(shapes):
    for name, shape in shapes.items():
        buffer = buffers[len(peaks) % 2].fill_(len(peaks))
        yield name, buffer
        peaks.append(anonymous())

donor, buffers = open_checkpoint(Path(sys.argv[1])), torch.zeros(2, 1 << 22)  # 16 MB of float32 each
shapes = {f"model.layers.{i}.weight": (1 << 22,) for i in range(12)}  # 200 MB
peaks = [anonymous()]
out = write_checkpoint(watched(shapes), Path(sys.argv[2]), donor, sys.argv[3], shapes=shapes)
print(max(peaks) - peaks[0])
tensors = dict(open_checkpoint(out))
assert all((tensors[name] == i + 1).all() for i, name in enumerate(shapes))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is told by Linux's /proc")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_memory_does_not_grow_with_the_model(donor: Checkpoint, room: Path, dtype: str) -> None:
    command = [sys.executable, "-c", MEMORY, str(donor.path), str(room / "out"), dtype]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 16e6  # less than one tensor


@pytest.mark.parametrize(
    ("before", "after"),
    [({}, {"dtype"}), ({"dtype": "bfloat16"}, {"dtype"}), ({"torch_dtype": "bfloat16"}, {"torch_dtype"})],
)
def test_the_config_tells_the_new_dtype(
    tmp_path: Path, room: Path, before: dict[str, str], after: set[str]
) -> None:
    folder = write_model(tmp_path / "donor", Pico().base(), Pico())
    edit_json(folder / "config.json", lambda config: (config.pop("dtype"), config.update(before)))
    out = write(open_checkpoint(folder), room / "out", dtype="float32")
    written = open_checkpoint(out)
    assert {key: written.config.get(key) for key in after} == dict.fromkeys(after, "float32")
    assert {"dtype", "torch_dtype"} & written.config.keys() == after
    assert {info.dtype for info in written.tensors.values()} == {"float32"}


def test_an_empty_folder_may_be_filled(donor: Checkpoint, room: Path) -> None:
    (room / "out").mkdir()
    assert open_checkpoint(write(donor, room / "out")).tensors.keys() == donor.tensors.keys()


def test_missing_parents_are_made(donor: Checkpoint, room: Path) -> None:
    assert write(donor, room / "a" / "b").is_dir()


def test_a_folder_with_something_in_it_is_refused(donor: Checkpoint, room: Path) -> None:
    (room / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=f"^{room}: the folder is not empty; choose another"):
        write(donor, room)
    assert [path.name for path in room.iterdir()] == ["notes.txt"]


def test_a_file_in_the_way_is_refused(donor: Checkpoint, room: Path) -> None:
    (room / "out").write_text("mine")
    with pytest.raises(OutputError, match=f"^{room / 'out'}: is a file"):
        write(donor, room / "out")
    with pytest.raises(OutputError, match=f"{room / 'out'} cannot be written to"):
        write(donor, room / "out" / "below")
    assert (room / "out").read_text() == "mine"


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_too_little_disk_is_refused_before_any_work(
    donor: Checkpoint, room: Path, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    needed = checkpoint_bytes(donor, dtype)

    def untouched() -> Iterator[tuple[str, Tensor]]:
        raise AssertionError("work began")
        yield

    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, needed - 1))
    with pytest.raises(OutputError, match=r"out: needs \d+\.\d MB, .*room has \d+\.\d MB free; make room"):
        write(donor, room / "out", source=untouched(), dtype=dtype)
    assert list(room.iterdir()) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, needed))
    ensure_writable(room / "out", needed)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="room cannot be kept here")
def test_a_disk_that_turns_out_full_is_refused_before_any_work(
    donor: Checkpoint, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, start: int, size: int) -> None:
        raise FULL

    def untouched() -> Iterator[tuple[str, Tensor]]:
        raise AssertionError("work began")
        yield

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write(donor, room / "out", source=untouched())
    assert list(room.iterdir()) == []


def test_the_bytes_asked_for_cover_what_is_written(donor: Checkpoint, room: Path) -> None:
    out = write(donor, room / "out", shard_bytes=4000)
    assert sum(path.stat().st_size for path in out.iterdir()) <= checkpoint_bytes(donor, "bfloat16")


@pytest.mark.parametrize("error", [ValueError("bad tensor"), KeyboardInterrupt(), FULL])
def test_a_failure_in_the_middle_leaves_nothing(donor: Checkpoint, room: Path, error: BaseException) -> None:
    def failing() -> Iterator[tuple[str, Tensor]]:
        for i, pair in enumerate(donor):
            if i == 10:
                raise error
            yield pair

    expected = OutputError if error is FULL else type(error)
    with pytest.raises(expected, match="No space left on device" if error is FULL else None):
        write(donor, room / "out", source=failing(), shard_bytes=4000)
    assert list(room.iterdir()) == []


def test_a_kill_in_the_middle_leaves_no_output(donor: Checkpoint, room: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from merging.models.checkpoint import open_checkpoint
from merging.models.writer import write_checkpoint

def killed(donor):
    for i, pair in enumerate(donor):
        if i == 10:
            os.kill(os.getpid(), signal.SIGKILL)
        yield pair

donor = open_checkpoint(Path(sys.argv[1]))
write_checkpoint(killed(donor), Path(sys.argv[2]), donor, "bfloat16", 4000)
"""
    done = subprocess.run([sys.executable, "-c", code, str(donor.path), str(room / "out")])
    assert done.returncode == -signal.SIGKILL
    assert not (room / "out").exists()
    assert [path.name[:9] for path in room.iterdir()] == [".out.tmp-"], "what a killed process had written"
    assert survey(open_checkpoint(write(donor, room / "out"))) == survey(donor)
    assert [path.name for path in room.iterdir()] == ["out"], "is removed by the next"


def test_two_that_write_to_one_place_leave_each_others_work_alone(donor: Checkpoint, room: Path) -> None:
    def interrupted() -> Iterator[tuple[str, Tensor]]:
        for i, pair in enumerate(donor):
            if i == 10:
                write(donor, room / "out")
            yield pair

    with pytest.raises(OutputError, match="not empty"):
        write(donor, room / "out", source=interrupted())
    assert survey(open_checkpoint(room / "out")) == survey(donor), "the first to end has won"
    assert [path.name for path in room.iterdir()] == ["out"]


def test_folders_that_were_made_for_a_failure_go_again(donor: Checkpoint, room: Path) -> None:
    (room / "there").mkdir()
    with pytest.raises(ValueError, match="bad tensor"):
        write(donor, room / "there" / "new" / "newer" / "out", source=failing_at_once())
    assert [path.name for path in room.rglob("*")] == ["there"]


def failing_at_once() -> Iterator[tuple[str, Tensor]]:
    raise ValueError("bad tensor")
    yield


@pytest.mark.parametrize("filled", [True, False])
def test_a_link_is_followed(donor: Checkpoint, room: Path, filled: bool) -> None:
    """To an empty folder, or to one that is not there yet."""
    if filled:
        (room / "place").mkdir()
    (room / "out").symlink_to("place")
    write(donor, room / "out")
    assert (room / "out").is_symlink()
    assert survey(open_checkpoint(room / "place")) == survey(donor)


def test_links_that_lead_nowhere_are_refused(donor: Checkpoint, room: Path) -> None:
    (room / "out").symlink_to("out")
    with pytest.raises(OutputError, match=r"out: its links lead nowhere; choose another folder$"):
        write(donor, room / "out")


def test_a_mount_point_is_refused_before_any_work(donor: Checkpoint) -> None:
    with pytest.raises(OutputError, match=r"is where a disk is mounted|is not empty"):
        write(donor, Path("/dev/shm"), source=failing_at_once())


def test_texts_are_replaced_whole(room: Path) -> None:
    save_text(room / "below" / "a.txt", "one")
    save_text(room / "below" / "a.txt", "two")
    assert (room / "below" / "a.txt").read_text() == "two"
    assert len(os.listdir(room / "below")) == 1


def test_a_text_that_cannot_be_written_leaves_the_old_one(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_text(room / "a.txt", "one")

    def full(descriptor: int) -> None:
        raise FULL

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"a\.txt: cannot be written \(No space left on device\)"):
        save_text(room / "a.txt", "two")
    assert (room / "a.txt").read_text() == "one"
    assert len(os.listdir(room)) == 1
