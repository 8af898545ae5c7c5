from pathlib import Path
from types import SimpleNamespace

import pytest

from evaluators.benchmarks.slices import SliceRequest, build_slices
from evaluators.benchmarks.tasks import ask
from evaluators.engines.reader import open_reader
from evaluators.errors import SliceError, TaskError
from tests.evaluators.benchmarks import choice_docs
from tests.evaluators.conftest import save_pico

TEMPLATE = (
    "{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}" + TEMPLATE
SHOT = [{"question": f"{n}?", "answer": f"So.\n#### {n}"} for n in range(3)]


@pytest.fixture(scope="module")
def chatty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a chat template."""
    folder = tmp_path_factory.mktemp("chatty")
    save_pico(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


def test_examples_are_turns_of_their_own_as_on_lm_evals_command_line(file, chatty: Path) -> None:
    asked = ask("gsm8k", file(SHOT), 2, chat=open_reader(chatty).chat)
    assert asked.items[0].prompt == (
        "[user] Question: 0?\nAnswer:\n[assistant] So.\n#### 0\n"
        "[user] Question: 1?\nAnswer:\n[assistant] So.\n#### 1\n"
        "[user] Question: 2?\nAnswer:\n[assistant] "
    )
    assert asked.items[0].gold == "So.\n#### 2"


def test_choices_follow_a_template_without_a_delimiter(file, chatty: Path) -> None:
    chat = open_reader(chatty).chat
    arc = ask("arc_challenge", file(choice_docs.arc()), 0, chat=chat)
    assert arc.items[0].choices == tuple(choice_docs.arc()[0]["choices"]["text"])
    assert arc.grader == "acc_norm_chat"
    mmlu = ask("mmlu_anatomy", file(choice_docs.mmlu("anatomy")), 0, chat=chat)
    assert mmlu.items[0].prompt.startswith("[system] The following are multiple choice questions")
    assert (mmlu.items[0].choices, mmlu.grader) == (("A", "B", "C", "D"), "acc")


@pytest.mark.parametrize("template", [TEMPLATE, NO_SYSTEM])
def test_messages_are_rendered_as_lm_evals_hf_model_renders_them(tmp_path: Path, template: str) -> None:
    from lm_eval.models.huggingface import HFLM

    save_pico(tmp_path)
    (tmp_path / "chat_template.jinja").write_text(template)
    reader = open_reader(tmp_path)
    theirs = SimpleNamespace(tokenizer=reader.tokenizer, chat_template_args={})
    messages = [{"role": role, "content": f"{role}!"} for role in ("system", "user", "assistant")]
    for asked, cue in ((messages[:2], True), (messages, False)):
        expected = HFLM.apply_chat_template(theirs, list(asked), add_generation_prompt=cue)
        assert reader.chat(asked, add_generation_prompt=cue) == expected
        assert ("system!" in expected) == (template is TEMPLATE)


def test_a_model_without_a_template_is_refused_in_one_line(file, tiny: Path) -> None:
    request = SliceRequest("sums", "gsm8k", file(SHOT), 0, search=1, holdout=1, chat=tiny / "base")
    with pytest.raises(
        TaskError, match=r"slice 'sums': chat_template: the tokenizer in .*base has none; leave"
    ) as caught:
        build_slices([request])
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_model_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SliceError, match="no config or tokenizer to read prompts with") as caught:
        open_reader(tmp_path)
    assert "\n" not in str(caught.value)


def test_lengths_are_those_that_an_engine_sees(tiny: Path) -> None:
    reader = open_reader(tiny / "base")
    assert reader.lengths(["", "abc", "Question: 1?"]) == [0, 3, 12]
    assert reader.context == 512
