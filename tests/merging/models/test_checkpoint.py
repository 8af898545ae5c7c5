from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from merging.errors import CheckpointError
from merging.layout import layer_order
from merging.models.checkpoint import open_checkpoint
from tests.merging.pico import Pico, edit_json, write_model


def refuse(folder: Path, message: str) -> None:
    with pytest.raises(CheckpointError, match=message) as error:
        open_checkpoint(folder)
    assert "\n" not in str(error.value)
    assert str(folder) in str(error.value)


@pytest.fixture(params=[1, 3], ids=["single", "sharded"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    pico = Pico(shards=request.param)
    return write_model(tmp_path / "m", pico.base(), pico)


def test_tensors_come_in_layer_order_whatever_the_files(model: Path) -> None:
    expected = Pico().base()
    found = list(open_checkpoint(model))
    assert [name for name, _ in found] == layer_order(expected)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in found)


def test_headers_say_dtype_and_shape(model: Path) -> None:
    info = open_checkpoint(model).tensors["model.layers.1.self_attn.k_proj.weight"]
    assert (info.dtype, info.shape, info.numel) == ("bfloat16", (8, 16), 128)


def test_a_checkpoint_travels_between_processes(model: Path) -> None:
    opened = open_checkpoint(model)
    before = opened.tensor("lm_head.weight")
    again = pickle.loads(pickle.dumps(opened))
    assert again == opened
    assert torch.equal(again.tensor("lm_head.weight"), before)


def test_a_missing_folder(tmp_path: Path) -> None:
    refuse(tmp_path / "nowhere", "no such model folder")


def test_a_missing_config(model: Path) -> None:
    (model / "config.json").unlink()
    refuse(model, r"config\.json: missing")


def test_a_broken_config(model: Path) -> None:
    (model / "config.json").write_text("{")
    refuse(model, "cannot be read as JSON")


@pytest.mark.parametrize("cut", [1, 1000])
def test_a_truncated_file_is_named_with_its_bytes(model: Path, cut: int) -> None:
    file = sorted(model.glob("*.safetensors"))[-1]
    size = file.stat().st_size
    file.write_bytes(file.read_bytes()[:-cut])
    refuse(model, rf"{file.name}: is {size - cut} bytes long, its header promises {size}; copy it again")


@pytest.mark.parametrize("left", [0, 4, 100])
def test_a_file_cut_in_its_header(model: Path, left: int) -> None:
    file = sorted(model.glob("*.safetensors"))[-1]
    file.write_bytes(file.read_bytes()[:left])
    refuse(model, rf"{file.name}: no whole safetensors file")


def test_a_file_that_is_something_else(model: Path) -> None:
    file = sorted(model.glob("*.safetensors"))[0]
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    refuse(model, "no whole safetensors file")


def test_a_missing_shard(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m", Pico().base(), Pico(shards=2))
    (model / "model-00002-of-00002.safetensors").unlink()
    refuse(
        model, r"model-00002-of-00002\.safetensors: named in model\.safetensors\.index\.json but not there"
    )


def test_an_index_that_promises_what_no_shard_holds(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m", Pico().base(), Pico(shards=2))
    shard = "model-00001-of-00002.safetensors"
    edit_json(model / "model.safetensors.index.json", lambda index: index["weight_map"].update(new=shard))
    refuse(model, f"{shard}: lacks new")


def test_an_index_may_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m", Pico().base(), Pico(shards=2))
    save_file({"new": torch.zeros(1)}, tmp_path / "other.safetensors")
    edit_json(
        model / "model.safetensors.index.json",
        lambda index: index["weight_map"].update(new="../other.safetensors"),
    )
    refuse(model, "but not there")


def test_pickles_are_refused(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m", Pico().base(), Pico())
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    refuse(model, r"only pickled weights \(\.bin\) found; save it again as safetensors")


def test_a_folder_without_weights(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m", Pico().base(), Pico())
    (model / "model.safetensors").unlink()
    refuse(model, "is this a model folder")
