from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from merging.errors import CheckpointError
from merging.family.chat_template import most_common, read_template, template_files
from merging.models.checkpoint import Checkpoint, open_checkpoint
from tests.merging.pico import Pico, edit_json, write_model

SEVERAL = [{"name": "default", "template": "{{ d }}"}, {"name": "tools", "template": "{{ t }}"}]


@pytest.fixture
def model(tmp_path: Path) -> Checkpoint:
    return open_checkpoint(write_model(tmp_path / "model", Pico().base(), Pico()))


def says(folder: Path, template: Any) -> Path:
    """A folder of which only the tokenizer's config speaks of a template."""
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    return folder


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("{{ x }}", "{{ x }}"),
        (SEVERAL, "{{ d }}"),
        (SEVERAL[1:], None),
        (None, None),
        ({"default": "y"}, "y"),
    ],
)
def test_a_template_in_the_tokenizers_config(tmp_path: Path, said: Any, expected: str | None) -> None:
    assert read_template(says(tmp_path, said)) == expected


def test_a_file_of_its_own_comes_first(tmp_path: Path) -> None:
    says(tmp_path, "{{ x }}")
    (tmp_path / "chat_template.jinja").write_text("{{ file }}")
    assert read_template(tmp_path) == "{{ file }}"


def test_a_folder_without_a_tokenizer_has_none(tmp_path: Path) -> None:
    assert read_template(tmp_path) is None
    (tmp_path / "tokenizer_config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"tokenizer_config\.json: cannot be read as JSON"):
        read_template(tmp_path)


def test_most_win_and_of_equals_the_earlier(tmp_path: Path) -> None:
    a, b, c = (says(tmp_path / str(i), text) for i, text in enumerate(("A{{", "B{{", "\nB{{\n")))
    assert most_common([a, b, c]) == "B{{"
    assert most_common([a, b]) == "A{{"
    assert most_common([tmp_path]) is None


def test_no_other_template_is_left(model: Checkpoint) -> None:
    assert template_files(model, "{{ new }}") == {"chat_template.jinja": "{{ new }}"}
    edit_json(model.path / "tokenizer_config.json", lambda config: config.update(chat_template=SEVERAL))
    (model.path / "chat_template.json").write_text('{"chat_template": "{{ old }}"}')
    files = template_files(model, "{{ new }}")
    assert json.loads(files["chat_template.json"]) == {"chat_template": "{{ new }}"}
    assert json.loads(files["tokenizer_config.json"]) == {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "</s>",
    }
