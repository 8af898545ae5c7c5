"""Files written tensor by tensor are those that safetensors itself would write."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from merging.models.safetensors_file import data_bytes, header, reserve, write_file

SHAPES = {"w": (3, 5), "scalar": (), "none": (0, 4), "ü.bias": (7,), "last": (2, 1, 3)}
DTYPES = ("float64", "float32", "bfloat16", "float16")


def tensors(dtype: str, shapes: dict[str, tuple[int, ...]] = SHAPES) -> dict[str, Tensor]:
    return {name: torch.randn(shape).to(getattr(torch, dtype)) for name, shape in shapes.items()}


def written(file: Path, source: Iterator[tuple[str, Tensor]], dtype: str) -> Path:
    reserve(file, SHAPES, dtype)
    write_file(file, SHAPES, dtype, source)
    return file


@pytest.mark.parametrize("dtype", DTYPES)
def test_safetensors_reads_every_tensor_back(tmp_path: Path, dtype: str) -> None:
    own = tensors(dtype)
    file = written(tmp_path / "a", iter(own.items()), dtype)
    with safe_open(file, framework="pt") as opened:
        assert opened.metadata() == {"format": "pt"}
        assert sorted(opened.keys()) == sorted(SHAPES)
    found = load_file(file)
    assert all(found[name].dtype == tensor.dtype for name, tensor in own.items())
    assert all(torch.equal(found[name], tensor) for name, tensor in own.items())


def test_it_is_byte_for_byte_what_safetensors_writes(tmp_path: Path) -> None:
    own = {name: torch.randn(3, 5).bfloat16() for name in "abc"}  # which sorts by name
    save_file(own, tmp_path / "theirs", metadata={"format": "pt"})
    shapes = {name: tuple(tensor.shape) for name, tensor in own.items()}
    reserve(tmp_path / "ours", shapes, "bfloat16")
    write_file(tmp_path / "ours", shapes, "bfloat16", iter(own.items()))
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


@pytest.mark.parametrize("length", range(9))
def test_data_starts_at_a_multiple_of_eight(length: int) -> None:
    made = header({"n" * (length + 1): (2,)}, "bfloat16")
    assert len(made) % 8 == 0
    assert int.from_bytes(made[:8], "little") == len(made) - 8
    assert json.loads(made[8:])["n" * (length + 1)]["data_offsets"] == [0, 4]


def test_tensors_are_cast_and_made_contiguous(tmp_path: Path) -> None:
    matrix = torch.randn(5, 3)
    source = {**tensors("float32"), "w": matrix.T}
    found = load_file(written(tmp_path / "a", iter(source.items()), "bfloat16"))
    assert torch.equal(found["w"], matrix.T.bfloat16())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_large_tensors_are_written_whole(tmp_path: Path, dtype: str) -> None:
    shapes = {"large": (1500, 1600), "next": (3,)}
    own = tensors("float32", shapes)
    reserve(tmp_path / "a", shapes, dtype)
    write_file(tmp_path / "a", shapes, dtype, iter(own.items()))
    found = load_file(tmp_path / "a")
    assert all(torch.equal(found[name], own[name].to(found[name].dtype)) for name in shapes)


def test_a_source_may_take_turns_with_two_buffers(tmp_path: Path) -> None:
    own, buffers = tensors("float32"), torch.empty(2, 100)

    def source() -> Iterator[tuple[str, Tensor]]:
        for i, (name, tensor) in enumerate(own.items()):
            yield name, buffers[i % 2, : tensor.numel()].view(tensor.shape).copy_(tensor)

    found = load_file(written(tmp_path / "a", source(), "float32"))
    assert all(torch.equal(found[name], tensor) for name, tensor in own.items())


def test_another_source_than_planned_is_our_mistake(tmp_path: Path) -> None:
    own = tensors("float32")
    for wrong, message in [
        ({**own, "w": torch.zeros(5, 3)}, r"w: \(3, 5\) was planned, the source gave torch.Size\(\[5, 3\]\)"),
        ({name: own[name] for name in sorted(own)}, "w was planned, the source gave last"),
        ({name: own[name] for name in list(own)[:3]}, "ü.bias was planned, the source gave nothing more"),
    ]:
        with pytest.raises(AssertionError, match=message):
            written(tmp_path / "a", iter(wrong.items()), "float32")


def test_room_is_kept_before_anything_is_written(tmp_path: Path) -> None:
    reserve(tmp_path / "a", SHAPES, "float32")
    size = len(header(SHAPES, "float32")) + data_bytes(SHAPES, "float32")
    assert (tmp_path / "a").stat().st_size == size
    written(tmp_path / "a", iter(tensors("float32").items()), "float32")
    assert (tmp_path / "a").stat().st_size == size


def test_a_full_disk_shows_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(OSError, match="No space left"):
        reserve(tmp_path / "a", SHAPES, "float32")


@pytest.mark.parametrize("known", [True, False])
def test_where_room_cannot_be_kept_files_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    def unsupported(descriptor: int, start: int, size: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    if known:
        monkeypatch.setattr(os, "posix_fallocate", unsupported, raising=False)
    else:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    own = tensors("float32")
    found = load_file(written(tmp_path / "a", iter(own.items()), "float32"))
    assert torch.equal(found["w"], own["w"])
