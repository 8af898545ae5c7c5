"""The service reads what lies in its model folders, wherever symlinks lead, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from search.errors import SearchError
from search.serving.admission.model_folders import ModelFolders


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Two model folders, and a secret beside them."""
    for model in ("one/base", "two/code", "two/org/math"):
        (tmp_path / model).mkdir(parents=True)
        (tmp_path / model / "config.json").write_text("{}")
    (tmp_path / "one" / "items.jsonl").write_text("{}")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "config.json").write_text("{}")
    return tmp_path


@pytest.fixture
def folders(house: Path) -> ModelFolders:
    return ModelFolders.at([house / "one", house / "two"])


def test_a_relative_path_is_as_seen_from_the_first_folder_that_has_it(
    folders: ModelFolders, house: Path
) -> None:
    assert folders.find("./base") == house / "one" / "base"
    assert folders.find("org/math") == house / "two" / "org" / "math"
    assert folders.find("items.jsonl") == house / "one" / "items.jsonl"


def test_an_absolute_path_inside_is_itself(folders: ModelFolders, house: Path) -> None:
    assert folders.find(str(house / "two" / "code")) == house / "two" / "code"


@pytest.mark.parametrize(
    "said",
    ["../secret", "base/../../secret", "base/../base", "~/secret", "~root", "/etc/passwd", "/", ".", "",
     "none", "a\0b", "x" * 5000, "\ud800", "base/config.json/..", "../one/base"],
)  # fmt: skip
def test_a_path_that_climbs_or_names_nothing_here_is_none(folders: ModelFolders, said: str) -> None:
    assert folders.find(said) is None


def test_what_is_there_and_what_is_not_look_alike_from_outside(folders: ModelFolders, house: Path) -> None:
    assert folders.find(str(house / "secret")) is None
    assert folders.find(str(house / "no such")) is None


def test_a_symlink_that_leads_out_is_none_and_one_that_stays_is_found(
    folders: ModelFolders, house: Path
) -> None:
    (house / "one" / "out").symlink_to(house / "secret")
    (house / "one" / "in").symlink_to(house / "two" / "code")
    assert folders.find("out") is None
    assert folders.find("in") == house / "one" / "in"


def test_a_model_one_file_of_which_leads_out_is_none(folders: ModelFolders, house: Path) -> None:
    (house / "one" / "base" / "model.safetensors").symlink_to(house / "secret" / "config.json")
    assert folders.find("base") is None


def test_a_circle_of_symlinks_and_a_pipe_are_none(folders: ModelFolders, house: Path) -> None:
    (house / "one" / "circle").symlink_to("circle")
    os.mkfifo(house / "one" / "pipe")
    assert folders.find("circle") is None
    assert folders.find("pipe") is None


def test_a_folder_that_itself_is_a_symlink_is_taken_for_where_it_leads(house: Path) -> None:
    (house / "shelf").symlink_to(house / "one")
    assert ModelFolders.at([house / "shelf"]).find("base") == house / "one" / "base"


def test_a_folder_that_is_not_there_is_refused(house: Path) -> None:
    with pytest.raises(SearchError, match=r"--models .*no such folder"):
        ModelFolders.at([house / "none"])
