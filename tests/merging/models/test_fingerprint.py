from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch

from merging.errors import CheckpointError
from merging.models import fingerprint
from merging.models.checkpoint import open_checkpoint, read_header
from merging.models.fingerprint import Fingerprint, digest_files, survey
from tests.merging.pico import Pico, edit_json, write_model


def print_of(folder: Path, cache: Path | None = None) -> Fingerprint:
    return survey(open_checkpoint(folder), cache)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "m", Pico().base(), Pico())


def test_a_copy_elsewhere_is_the_same_model(model: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "copy")
    assert print_of(tmp_path / "copy") == print_of(model)


def test_shards_do_not_count(model: Path, tmp_path: Path) -> None:
    sharded = write_model(tmp_path / "sharded", Pico().base(), Pico(shards=3))
    assert print_of(sharded).digest == print_of(model).digest


def test_one_changed_bit_of_one_weight_counts(model: Path, tmp_path: Path) -> None:
    weights = Pico().base()
    weights["model.norm.weight"].view(torch.int16)[0] ^= 1
    other = print_of(write_model(tmp_path / "other", weights, Pico()))
    differing = [part for part, digest in print_of(model).parts.items() if other.parts[part] != digest]
    assert differing == ["weights"]


@pytest.mark.parametrize("file", ["tokenizer.json", "tokenizer_config.json", "generation_config.json"])
def test_a_changed_companion_counts(model: Path, file: str) -> None:
    before = print_of(model)
    edit_json(model / file, lambda data: data.update(new=1))
    after = print_of(model)
    assert after.digest != before.digest
    assert [part for part in before.parts if before.parts[part] != after.parts[part]] == [file]


def test_a_config_counts_but_for_its_stamps(model: Path) -> None:
    before = print_of(model).digest
    edit_json(
        model / "config.json", lambda config: config.update(transformers_version="9", _name_or_path="/x")
    )
    assert print_of(model).digest == before
    edit_json(model / "config.json", lambda config: config.update(rope_theta=1e6))
    assert print_of(model).digest != before


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_none_are_named_with_file_and_tensor(tmp_path: Path, value: float) -> None:
    weights = Pico().base()
    weights["model.layers.1.mlp.up_proj.weight"][3, 5:7] = value
    model = write_model(tmp_path / "m", weights, Pico(shards=2))
    message = (
        r"of-00002\.safetensors: model\.layers\.1\.mlp\.up_proj\.weight: 2 of 512 numbers are NaN or Inf"
    )
    with pytest.raises(CheckpointError, match=message):
        print_of(model)


def test_weights_are_read_once_until_a_file_changes(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = print_of(model, tmp_path / "cache")
    reads: list[Path] = []
    monkeypatch.setattr(
        fingerprint, "_parts", lambda checkpoint: reads.append(checkpoint.path) or {"weights": "x"}
    )
    assert print_of(model, tmp_path / "cache") == first
    assert not reads
    os.utime(model / "model.safetensors", ns=(1, 1))
    assert print_of(model, tmp_path / "cache").parts == {"weights": "x"}
    assert reads == [model]


def test_a_damaged_cache_is_made_anew(model: Path, tmp_path: Path) -> None:
    first = print_of(model, tmp_path / "cache")
    for file in (tmp_path / "cache").iterdir():
        file.write_text('{"stamp": ')
    assert print_of(model, tmp_path / "cache") == first


def test_a_cache_that_cannot_be_written_stops_nothing(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert print_of(model, tmp_path / "file" / "cache") == print_of(model)


def test_the_cache_lies_where_the_desktop_says(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    print_of(model)
    assert len(list((tmp_path / "own" / "crucible" / "fingerprints").glob("*.json"))) == 1


def test_files_are_digested_once_until_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"abc")
    first = digest_files([file], tmp_path / "cache")
    assert first == {"a.bin": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}
    with monkeypatch.context() as patch:
        patch.setattr(fingerprint, "_file_digest", None)
        assert digest_files([file], tmp_path / "cache") == first
    file.write_bytes(b"abd")
    assert digest_files([file], tmp_path / "cache") != first
    assert digest_files([]) == {}


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A folder stands for it: to the one who runs the tests, permissions may mean nothing."""
    for read in (read_header, lambda file: digest_files([file], tmp_path / "cache")):
        with pytest.raises(CheckpointError, match=f"{tmp_path}: cannot be read .Is a directory.; see to its"):
            read(tmp_path)
