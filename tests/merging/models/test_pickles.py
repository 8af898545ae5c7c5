from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from merging.errors import CheckpointError
from merging.family.prepare import open_model
from merging.models.checkpoint import Checkpoint, open_checkpoint
from merging.models.fingerprint import survey
from tests.merging.pico import Pico, edit_json, write_json, write_model

HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"


def pickled(folder: Path, tensors: Mapping[str, Tensor], pico: Pico, shards: int = 1) -> Path:
    """A model folder as old versions of transformers wrote it."""
    write_model(folder, {"unused": torch.zeros(1)}, pico)
    (folder / "model.safetensors").unlink()
    if shards == 1:
        torch.save(dict(tensors), folder / "pytorch_model.bin")
        return folder
    names = list(tensors)
    files = {f"pytorch_model-{i + 1:05d}-of-{shards:05d}.bin": names[i::shards] for i in range(shards)}
    for file, own in files.items():
        torch.save({name: tensors[name] for name in own}, folder / file)
    weight_map = {name: file for file, own in files.items() for name in own}
    write_json(folder / "pytorch_model.bin.index.json", {"metadata": {}, "weight_map": weight_map})
    return folder


def allowed(folder: Path) -> Checkpoint:
    return open_model(folder, allow_pickle=True)


def refuse(folder: Path, message: str) -> None:
    with pytest.raises(CheckpointError, match=message) as error:
        allowed(folder)
    assert "\n" not in str(error.value)
    assert str(folder) in str(error.value)


@pytest.mark.parametrize("shards", [1, 3])
def test_a_pickled_model_is_the_model_that_was_pickled(tmp_path: Path, shards: int) -> None:
    pico = Pico()
    plain = open_checkpoint(write_model(tmp_path / "plain", pico.base(), pico))
    model = allowed(pickled(tmp_path / "m", pico.base(), pico, shards))
    assert survey(model) == survey(plain)
    assert model.path == tmp_path / "m"


def test_pickles_are_refused_unless_they_are_allowed(tmp_path: Path) -> None:
    folder = pickled(tmp_path / "m", Pico().base(), Pico())
    with pytest.raises(CheckpointError, match=r"only pickled weights .* or allow it with --allow-pickle"):
        open_model(folder)
    assert not (tmp_path / "xdg-cache").exists()


def test_a_pickle_is_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = pickled(tmp_path / "m", Pico().base(), Pico())
    first = allowed(folder)
    monkeypatch.setattr(torch, "load", None)
    assert allowed(folder) == first


def test_a_changed_pickle_is_converted_again(tmp_path: Path) -> None:
    folder = pickled(tmp_path / "m", Pico().base(), Pico())
    first = allowed(folder)
    torch.save(Pico().base(seed=1), folder / "pytorch_model.bin")
    assert survey(allowed(folder)) != survey(first)


def test_safetensors_beside_a_pickle_are_taken(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", Pico().base(), Pico())
    (folder / "pytorch_model.bin").write_bytes(b"not even a pickle")
    assert allowed(folder) == open_checkpoint(folder)


@pytest.mark.parametrize("tied", [True, False])
def test_tied_weights_are_stored_once_if_the_config_ties_them(tmp_path: Path, tied: bool) -> None:
    pico = Pico(tied=True)
    tensors = pico.base()
    tensors[HEAD] = tensors[EMBEDDING]  # one storage, as `state_dict` gives it
    folder = pickled(tmp_path / "m", tensors, pico)
    edit_json(folder / "config.json", lambda config: config.update(tie_word_embeddings=tied))
    model = allowed(folder)
    assert (HEAD in model.tensors) is not tied
    assert tied or torch.equal(model.tensor(HEAD), model.tensor(EMBEDDING))


def test_a_view_into_a_larger_storage_keeps_its_own_numbers_only(tmp_path: Path) -> None:
    tensors = Pico().base()
    tensors["model.norm.weight"] = torch.arange(64.0).bfloat16()[8:24]
    model = allowed(pickled(tmp_path / "m", tensors, Pico()))
    assert model.tensor("model.norm.weight").tolist() == list(range(8, 24))


def test_a_state_dict_within_a_trainers_checkpoint(tmp_path: Path) -> None:
    folder = pickled(tmp_path / "m", {}, Pico())
    (folder / "pytorch_model.bin").unlink()
    torch.save({"state_dict": Pico().base(), "step": 3}, folder / "last.pt")
    torch.save({}, folder / "training_args.bin")
    torch.save({}, folder / "optimizer.pt")
    assert dict(allowed(folder)).keys() == Pico().base().keys()


def test_pickles_from_before_the_zip_format(tmp_path: Path) -> None:
    folder = pickled(tmp_path / "m", {}, Pico())
    torch.save(Pico().base(), folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    assert dict(allowed(folder)).keys() == Pico().base().keys()


def test_numbers_that_are_none_are_named_with_the_users_folder(tmp_path: Path) -> None:
    tensors = Pico().base()
    tensors["model.norm.weight"][3] = float("inf")
    model = allowed(pickled(tmp_path / "m", tensors, Pico()))
    with pytest.raises(CheckpointError, match=rf"^{tmp_path / 'm'}: model\.norm\.weight: 1 of 16 numbers"):
        survey(model)


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.place),)


def test_a_pickle_that_would_run_code_is_named_and_runs_none(tmp_path: Path) -> None:
    folder = pickled(tmp_path / "m", {}, Pico())
    torch.save({"a": Trap(tmp_path / "sprung")}, folder / "pytorch_model.bin")
    refuse(
        folder, r"pytorch_model\.bin: holds more than weights, and is not read .*; save it again as safetens"
    )
    assert not (tmp_path / "sprung").exists()


def test_pickles_that_cannot_be_the_model(tmp_path: Path) -> None:
    folder = pickled(tmp_path / "m", {}, Pico())
    torch.save({"a": torch.zeros(1), "b": 3}, folder / "pytorch_model.bin")
    refuse(folder, r"pytorch_model\.bin: holds more than named tensors")
    torch.save(Pico().base(), folder / "pytorch_model.bin")
    cut = (folder / "pytorch_model.bin").read_bytes()[:-100]
    (folder / "pytorch_model.bin").write_bytes(cut)
    refuse(folder, r"pytorch_model\.bin: cannot be read .*; copy it again")
    (folder / "pytorch_model.bin").rename(folder / "a.bin")
    torch.save({}, folder / "b.bin")
    refuse(folder, r"a\.bin, b\.bin: which is the model\?")


def test_shards_that_are_not_what_the_index_says(tmp_path: Path) -> None:
    folder = pickled(tmp_path / "m", Pico().base(), Pico(), shards=2)
    index = folder / "pytorch_model.bin.index.json"
    shard = "pytorch_model-00001-of-00002.bin"
    edit_json(index, lambda data: data["weight_map"].update(new=shard))
    refuse(folder, rf"{shard}: lacks new, which pytorch_model\.bin\.index\.json says it holds")
    (folder / shard).unlink()
    refuse(folder, rf"{shard}: named in pytorch_model\.bin\.index\.json but not there; download the shard")
    index.write_text(json.dumps({"weight_map": 3}))
    refuse(folder, r"index\.json: has no weight_map")
