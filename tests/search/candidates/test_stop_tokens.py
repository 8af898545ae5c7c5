"""A chat model merged with one of another stop token still ends its answers, in every engine.

The chat model is the tiny arithmetic expert with two tokens swapped: it says U+FFFD where the base says its
end token, and its generation config knows that.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.torch import load_file, save_file

from evaluators.engines.engine import Engine
from evaluators.engines.transformers import TransformersEngine
from evaluators.engines.vllm.engine import VllmEngine
from merging.models.checkpoint import open_checkpoint
from search.running.workshop import open_workshop
from search.study_file.spec import load_study
from tests.search.conftest import TINY, Outcome, small_study, write_study

Crucible = Callable[..., Outcome]
GENERATION = "generation_config.json"
END, TURN = 1, 2
LIMIT = 120
PROMPT = "Question: Ann has 2 apples and gets 3. How many?\nAnswer:"
TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"

pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    """The tiny expert, which stops at a token of its own, beside the base."""
    shutil.copytree(TINY / "base", tmp_path / "base")
    folder = Path(shutil.copytree(TINY / "gsm8k", tmp_path / "chat"))
    tensors = load_file(folder / "model.safetensors")
    name = "model.embed_tokens.weight"
    rows = list(range(tensors[name].shape[0]))
    rows[END], rows[TURN] = TURN, END
    save_file({**tensors, name: tensors[name][rows]}, folder / "model.safetensors", metadata={"format": "pt"})
    said = json.loads((folder / GENERATION).read_text())
    (folder / GENERATION).write_text(json.dumps({**said, "eos_token_id": TURN}))
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


def merge_file(folder: Path, **changes: Any) -> Path:
    said = {
        "merge_method": "task_arithmetic",
        "base_model": "base",
        "models": [{"model": "chat", "parameters": {"weight": 1.0}}],
        "dtype": "float32",
        **changes,
    }
    path = folder / "merge.yaml"
    path.write_text(yaml.safe_dump(said))
    return path


def ends(engine: Engine, model: Path) -> bool:
    """Whether the model in this folder comes to an end of its own accord."""
    engine.load(open_checkpoint(model))
    (answer,) = engine.generate([PROMPT], [], LIMIT)
    engine.close()
    return answer.tokens < LIMIT


def test_a_merge_ends_its_answers_in_transformers(tmp_path: Path, chat: Path, crucible: Crucible) -> None:
    outcome = crucible("merge", merge_file(tmp_path), "out")
    assert outcome.code == 0, outcome
    said = json.loads(Path("out", GENERATION).read_text())
    assert said == {**json.loads((TINY / "base" / GENERATION).read_text()), "eos_token_id": [END, TURN]}
    assert ends(TransformersEngine(Path("out"), "float32"), Path("out"))
    assert outcome.out.splitlines()[1:] == [
        "  differs   eos_token_id: base 1, chat 2 and 1; the merge has 1 and 2, of all models",
        "  differs   chat_template: base none, chat c4123e07; the merge has none, base's",
    ]


@pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed")
def test_a_merge_ends_its_answers_in_vllm(tmp_path: Path, chat: Path, crucible: Crucible) -> None:
    assert crucible("merge", merge_file(tmp_path), "out").code == 0
    assert ends(VllmEngine(Path("out"), "float32", batch_size=4), Path("out"))


def test_the_bases_stop_token_alone_would_not_end_them(
    tmp_path: Path, chat: Path, crucible: Crucible
) -> None:
    outcome = crucible("merge", merge_file(tmp_path), "out", "--config-source", "base", "--json")
    report = json.loads(outcome.out)
    assert [each["field"] for each in report["differences"]] == ["eos_token_id", "chat_template"]
    assert report["differences"][0] == {
        "field": "eos_token_id",
        "values": {"base": [1], "chat": [2, 1]},
        "output": [1],
        "source": "base",
    }
    assert not ends(TransformersEngine(Path("out"), "float32"), Path("out"))


@pytest.mark.parametrize("way", ["option", "file"])
def test_a_models_config_can_be_chosen(tmp_path: Path, chat: Path, crucible: Crucible, way: str) -> None:
    file = merge_file(tmp_path, **({"config_source": "chat"} if way == "file" else {}))
    option = ["--config-source", "chat"] if way == "option" else []
    plain = json.loads(crucible("merge", merge_file(tmp_path), "plain", "--json").out)
    file = merge_file(tmp_path, **({"config_source": "chat"} if way == "file" else {}))
    report = json.loads(crucible("merge", file, "out", *option, "--json").out)
    assert {each["source"] for each in report["differences"]} == {"chat"}
    assert report["digest"] == plain["digest"]
    assert Path("out/model.safetensors").read_bytes() == Path("plain/model.safetensors").read_bytes()
    assert json.loads(Path("out", GENERATION).read_text())["eos_token_id"] == TURN
    assert Path("out/chat_template.jinja").read_text() == TEMPLATE
    assert crucible("merge", "out/crucible_recipe.yaml", "again").code == 0
    for name in (GENERATION, "chat_template.jinja", "crucible_recipe.yaml"):
        assert Path("again", name).read_text() == Path("out", name).read_text()


def test_a_model_that_is_not_there_cannot_be_chosen(tmp_path: Path, chat: Path, crucible: Crucible) -> None:
    outcome = crucible("merge", merge_file(tmp_path), "out", "--config-source", "char")
    assert outcome.code == 2
    assert "--config-source 'char' is none of the merge's models base, chat" in outcome.err
    assert not Path("out").exists()


def chat_study(folder: Path, **changes: Any) -> Path:
    study = small_study(**{"base_model": "base", "experts": ["chat", "math"], **changes})
    return write_study(folder, study)


def test_a_study_asks_its_candidates_under_the_stop_tokens_of_all(
    tmp_path: Path, chat: Path, crucible: Crucible
) -> None:
    spec = load_study(chat_study(tmp_path))
    workshop = open_workshop(spec)
    assert workshop.setting
    assert "config_source" not in workshop.identity()["study"]
    assert ends(workshop.engine(), chat)
    report = json.loads(crucible("check", tmp_path / "study.yaml", "--json").out)
    assert report["differences"][0] == {
        "field": "eos_token_id",
        "values": {"base": [1], "chat": [2, 1], "math": [1]},
        "output": [1, 2],
        "source": "all",
    }
    text = crucible("check", tmp_path / "study.yaml").out
    assert "  differs   eos_token_id: base 1, chat 2 and 1, math 1; the merge has 1 and 2, of all" in text


def test_a_study_takes_the_config_that_it_names(tmp_path: Path, chat: Path) -> None:
    workshop = open_workshop(load_study(chat_study(tmp_path, config_source="chat")))
    assert workshop.identity()["study"]["config_source"] == "chat"
    assert workshop.space.config_source == str(chat)
    assert workshop.fitted is not None
    assert workshop.fitted.folder() == chat


def test_studies_whose_models_stop_alike_are_what_they_were(tmp_path: Path) -> None:
    workshop = open_workshop(load_study(write_study(tmp_path, small_study())))
    assert workshop.setting == ""
    assert workshop.fitted is not None
    assert workshop.fitted.folder() == workshop.base.folder
    assert workshop.differences == ()
    assert "config_source" not in workshop.identity()["study"]


def test_a_config_source_that_is_no_model_of_the_study_is_refused(
    tmp_path: Path, chat: Path, crucible: Crucible
) -> None:
    outcome = crucible("check", chat_study(tmp_path, config_source="chad"))
    assert outcome.code == 2
    assert "config_source: must be base, chat or math; found 'chad'" in outcome.err
