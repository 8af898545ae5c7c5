from __future__ import annotations

import os
from pathlib import Path

import pytest

from merging.errors import CheckpointError
from merging.models.locate import locate, locate_tokenizer
from merging.models.naming import is_local


def test_a_folder_is_found_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "models" / "base").mkdir(parents=True)
    for ref in ("models/base", "./models/base", str(tmp_path / "models/base")):
        assert locate(ref, tmp_path) == (tmp_path / "models" / "base").resolve()


def test_a_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "base").mkdir()
    assert locate("~/base", Path("/")) == (tmp_path / "base").resolve()


@pytest.mark.parametrize("ref", ["./org/name", "/org/name", "~/org/name", "name", "a/b/c", "org/na me"])
def test_what_cannot_be_a_hub_id_never_asks_the_network(ref: str, tmp_path: Path) -> None:
    assert is_local(ref, tmp_path)
    with pytest.raises(CheckpointError, match="no such model folder; check the path"):
        locate(ref, tmp_path)


def test_a_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "base").write_text("")
    with pytest.raises(CheckpointError, match="no such model folder"):
        locate("base", tmp_path)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache that holds one revision of one model, with no network behind it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    model = tmp_path / "hub" / "models--org--name"
    (model / "snapshots" / "abc").mkdir(parents=True)
    (model / "refs").mkdir()
    (model / "refs" / "v1").write_text("abc")
    return model / "snapshots" / "abc"


def test_a_hub_id_is_found_in_the_hubs_cache(hub: Path, tmp_path: Path) -> None:
    assert not is_local("org/name@v1", tmp_path)
    assert os.path.samefile(locate("org/name@v1", tmp_path), hub)


@pytest.mark.usefixtures("hub")
def test_what_the_hub_does_not_give_is_named_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        CheckpointError, match=r"^org/other: no such folder in .*, and the hub cannot give it"
    ) as error:
        locate("org/other", tmp_path)
    assert "\n" not in str(error.value)


def test_pickles_are_asked_for_only_where_they_are_allowed_and_needed(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download",
        lambda name, revision, allow_patterns: asked.append(allow_patterns) or str(hub),
    )
    locate("org/name@v1", tmp_path)
    locate("org/name@v1", tmp_path, allow_pickle=True)
    (hub / "model.safetensors").write_text("")
    locate("org/name@v1", tmp_path, allow_pickle=True)
    assert ["pytorch_model*.bin" in patterns for patterns in asked] == [False, False, True, False]
    assert all("adapter_config.json" in patterns for patterns in asked)


def test_a_tokenizer_is_found_where_its_model_is(hub: Path, tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    assert locate_tokenizer("base", tmp_path) == (tmp_path / "base").resolve()
    assert os.path.samefile(locate_tokenizer("org/name@v1", tmp_path), hub)


def test_no_weights_are_fetched_for_a_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def download(name: str, revision: str | None, allow_patterns: list[str]) -> str:
        asked.extend(allow_patterns)
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    locate_tokenizer("org/name", tmp_path)
    assert "tokenizer.json" in asked
    assert not [pattern for pattern in asked if "safetensors" in pattern or ".bin" in pattern]
