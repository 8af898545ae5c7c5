"""What a merge has beside its weights: no answer goes on for ever because a stop token was lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from merging.errors import CheckpointError
from merging.family.differences import Difference, differences
from merging.family.outfit import ends_of, outfit, setting
from merging.family.prepare import prepare
from merging.models.checkpoint import Checkpoint, open_checkpoint
from tests.merging.pico import VOCABULARY, Pico, edit_json, write_family, write_model

GENERATION = "generation_config.json"
LORA = Path(__file__).parents[2] / "oracle" / "golden" / "lora" / "plain"


@pytest.fixture
def family(tmp_path: Path) -> tuple[Path, Path, Path]:
    base, experts = write_family(tmp_path, experts=2)
    return base, experts[0], experts[1]


def opened(*folders: Path) -> tuple[Checkpoint, ...]:
    return tuple(open_checkpoint(folder) for folder in folders)


def says(folder: Path, **generation: Any) -> None:
    (folder / GENERATION).write_text(json.dumps(generation))


def written(models: tuple[Checkpoint, ...], chosen: int | None = None) -> Any:
    return json.loads(outfit(models, chosen).texts[GENERATION])


def test_models_that_stop_alike_leave_the_files_as_they_are(family: tuple[Path, ...]) -> None:
    says(family[1], eos_token_id=[2], temperature=0.6)
    fitted = outfit(opened(*family))
    assert fitted.donor.path == family[0]
    assert fitted.texts == {}
    assert fitted.folder() == family[0]
    assert setting(fitted, fitted.donor) == ""
    assert differences(opened(*family), ("base", "a", "b")) == ()


def test_a_merge_stops_at_the_tokens_of_all(family: tuple[Path, ...]) -> None:
    says(family[0], eos_token_id=2, pad_token_id=0, repetition_penalty=1.1)
    says(family[1], eos_token_id=[9, 7])
    says(family[2], eos_token_id=5, repetition_penalty=2.0)
    models = opened(*family)
    assert written(models) == {"eos_token_id": [2, 5, 7, 9], "pad_token_id": 0, "repetition_penalty": 1.1}
    found = Difference("eos_token_id", {"base": [2], "a": [9, 7, 2], "b": [5, 2]}, [2, 5, 7, 9], "all")
    assert differences(models, ("base", "a", "b")) == (found,)
    assert found.to_text() == (
        "eos_token_id: base 2, a 9 and 7 and 2, b 5 and 2; the merge has 2 and 5 and 7 and 9, of all models"
    )
    assert setting(outfit(models), models[0]) != ""


@pytest.mark.parametrize(("chosen", "ends"), [(0, None), (1, [9, 7]), (2, 5)])
def test_one_models_stop_tokens_can_be_chosen(family: tuple[Path, ...], chosen: int, ends: Any) -> None:
    says(family[1], eos_token_id=[9, 7])
    says(family[2], eos_token_id=5)
    models = opened(*family)
    fitted = outfit(models, chosen)
    assert fitted.donor.path == family[chosen]
    assert fitted.texts == {}
    assert fitted.folder() == family[chosen]
    (difference,) = differences(models, ("base", "a", "b"), chosen)
    assert difference.source == ("base", "a", "b")[chosen]
    assert difference.output == {0: [2], 1: [9, 7], 2: [5]}[chosen]
    assert (setting(fitted, models[0]) == "") == (chosen == 0)


def test_without_a_generation_config_the_config_says_where_to_stop(family: tuple[Path, ...]) -> None:
    for folder in family:
        (folder / GENERATION).unlink()
    edit_json(family[1] / "config.json", lambda config: config.update(eos_token_id=[6]))
    assert written(opened(*family)) == {"bos_token_id": 1, "eos_token_id": [2, 6]}


def test_the_tokenizers_end_token_counts(family: tuple[Path, ...]) -> None:
    """Chat fine-tunes that change the tokenizer alone are common: vLLM stops there, and so must a merge."""
    edit_json(
        family[1] / "tokenizer_config.json",
        lambda said: said.update(eos_token={"content": "<s>", "__type": "AddedToken"}),
    )
    assert ends_of(opened(*family)) == [(2,), (2, 1), (2,)]
    assert written(opened(*family)) == {"eos_token_id": [2, 1]}


def test_a_folder_for_engines_holds_all_that_a_merge_has(family: tuple[Path, ...]) -> None:
    says(family[1], eos_token_id=9)
    folder = outfit(opened(*family)).folder()
    assert json.loads((folder / GENERATION).read_text())["eos_token_id"] == [2, 9]
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert (folder / name).read_text() == (family[0] / name).read_text()
    assert json.loads((folder / "config.json").read_text()) == json.loads(
        (family[0] / "config.json").read_text()
    )
    assert outfit(opened(*family)).folder() == folder


def test_context_and_chat_template_are_told(family: tuple[Path, ...]) -> None:
    edit_json(family[1] / "config.json", lambda config: config.update(max_position_embeddings=128))
    (family[2] / "chat_template.jinja").write_text("{{ 'another' }}")
    (family[0] / "chat_template.jinja").unlink()
    lines = [found.to_text() for found in differences(opened(*family), ("base", "a", "b"))]
    assert lines == [
        "max_position_embeddings: base 64, a 128, b 64; the merge has 64, base's",
        "chat_template: base none, a f24189f0, b 06c717db; the merge has none, base's",
    ]
    found = differences(opened(*family), ("base", "a", "b"), 1)
    assert [each.output for each in found] == [128, found[1].values["a"]]
    assert {each.source for each in found} == {"a"}


def test_models_of_one_name_are_told_apart(family: tuple[Path, ...]) -> None:
    says(family[1], eos_token_id=9)
    (found,) = differences(opened(*family), ("m", "m", "m"))
    assert list(found.values) == ["m", "m (1)", "m (2)"]


def test_a_chosen_config_keeps_the_head_as_the_base_has_it(tmp_path: Path) -> None:
    tied = Pico(tied=True)
    base = write_model(tmp_path / "base", tied.base(), tied)
    head = {"lm_head.weight": tied.base()["model.embed_tokens.weight"].clone()}
    loose = write_model(tmp_path / "e", {**tied.base(), **head}, Pico())
    family = prepare(base, [loose])
    assert outfit((family.base, *family.experts), 1).donor.config["tie_word_embeddings"] is True


def test_another_vocabularys_stop_token_is_found_by_its_name(tmp_path: Path) -> None:
    base = write_model(tmp_path / "base", Pico().base(), Pico())
    grown = Pico(vocabulary=(*VOCABULARY, "<think>", "<end>"))
    expert = write_model(tmp_path / "e", grown.base(), grown)
    says(expert, eos_token_id=33)
    family = prepare(base, [expert], tokenizer_source="union")
    models = (family.base, *family.experts)
    assert ends_of(models) == [(2,), (33, 2)]
    assert written(models)["eos_token_id"] == [2, 33]
    assert outfit(models, 1).texts == {}  # its own file says 33
    family = prepare(base, [expert], tokenizer_source="base")  # which lacks the token: nobody can say it
    assert outfit((family.base, *family.experts)).texts == {}


def test_an_adapter_stops_where_its_tokenizer_says(tmp_path: Path) -> None:
    """Trainers save a chat model's tokenizer beside the adapter, and its generation config nowhere."""
    lora = Path(shutil.copytree(LORA, tmp_path / "lora"))
    family = prepare(lora / "base", [lora / "adapter"])
    alike = (family.base, *family.experts)
    assert outfit(alike).texts == {}
    assert differences(alike, ("base", "adapter")) == ()
    model = write_model(tmp_path / "model", Pico().base(), Pico())
    shutil.copy(model / GENERATION, lora / "base")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        for folder in ("base", "adapter"):
            shutil.copy(model / name, lora / folder)
    edit_json(lora / "adapter" / "tokenizer_config.json", lambda said: said.update(eos_token="<s>"))
    family = prepare(lora / "base", [lora / "adapter"])
    assert written((family.base, *family.experts))["eos_token_id"] == [2, 1]


@pytest.mark.parametrize("said", ["</s>", [2, "x"], True, 2.5])
def test_what_is_no_tokens_number_is_refused(family: tuple[Path, ...], said: Any) -> None:
    says(family[1], eos_token_id=said)
    with pytest.raises(
        CheckpointError, match=rf"expert0/{GENERATION}: eos_token_id: expected a token's number"
    ):
        outfit(opened(*family))


def test_a_broken_generation_config_is_named(family: tuple[Path, ...]) -> None:
    (family[2] / GENERATION).write_text("{")
    with pytest.raises(CheckpointError, match=rf"expert1/{GENERATION}: cannot be read as JSON"):
        outfit(opened(*family))


def test_quantized_by_config_alone_is_refused(tmp_path: Path) -> None:
    base = write_model(tmp_path / "base", Pico().base(), Pico())
    said = {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}
    expert = write_model(tmp_path / "e", Pico().base(), Pico(config=said))
    message = r"e/config\.json: quantization_config: 'bitsandbytes': loaders make something else of these"
    for order in ([base, expert], [expert, base]):
        with pytest.raises(CheckpointError, match=message):
            prepare(order[0], order[1:])
