"""Rows in a model's own tokens: prompts as engines ask them, responses as the model would go on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from evaluators.engines.encoding import encode_prompts
from merging.errors import CheckpointError, DataError
from merging.fusion.exchange import open_writer
from merging.fusion.texts import Row

TINY = Path(__file__).parents[3] / "examples" / "tiny"
TEMPLATE = (
    "{% if messages[0].content == 'no' %}{{ raise_exception('not this') }}{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ROWS = [Row("Question: 2+3?\nAnswer:", " 5, for 2+3=5."), Row("Say the word", "ship  ships shipping\n")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A byte-level BPE with a chat template."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|end|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(["Answer: 5 Question ship ships shipping word words"] * 9, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>", chat_template=TEMPLATE)
    place = tmp_path_factory.mktemp("bpe") / "chat"
    fast.save_pretrained(place)
    return place


def test_a_prompt_is_what_an_engine_would_ask_and_the_response_goes_on_from_it(folder: Path) -> None:
    for place in (TINY / "base", folder):
        writer = open_writer(place, "plain")
        tokenizer = writer.vocabulary.tokenizer
        written = writer.write(ROWS, 512)
        asked = encode_prompts(tokenizer, [row.instruction for row in ROWS])
        for row, prompt, found in zip(ROWS, asked, written, strict=True):
            assert found.prompt.tolist() == prompt
            assert tokenizer.decode(found.response.ids[:-1]) == row.response
            assert found.response.ids[-1] == tokenizer.eos_token_id
            assert found.response.nbytes == len(row.response.encode()) + 1
            assert found.ids.tolist() == [*prompt, *found.response.ids.tolist()]
            assert not found.cut


def test_a_response_has_the_tokens_of_the_whole_text_where_these_keep_to_the_border(folder: Path) -> None:
    writer = open_writer(folder, "plain")
    tokenizer = writer.vocabulary.tokenizer
    kept, across = writer.write([Row("Answer:", " 5"), Row(" shi", "pping")], 512)
    assert kept.response.ids[:-1].tolist() == tokenizer.encode("Answer: 5")[len(kept.prompt) :]
    assert len(tokenizer.encode(" shipping")) == 1
    assert across.response.ids[:-1].tolist() == tokenizer.encode("pping")
    assert across.response.ends.tolist()[-2:] == [5, 6]


def test_a_chat_is_the_models_own_template_and_ends_with_its_turn(folder: Path) -> None:
    (found,) = open_writer(folder, "chat").write([Row("2+3?", "  It is 5.\n")], 512)
    tokenizer = open_writer(folder, "chat").vocabulary.tokenizer
    whole = "<|im_start|>user\n2+3?<|im_end|>\n<|im_start|>assistant\nIt is 5.<|im_end|>"
    assert tokenizer.decode(found.ids, skip_special_tokens=False) == whole
    assert tokenizer.convert_ids_to_tokens(int(found.response.ids[-1])) == "<|im_end|>"
    assert found.response.nbytes == len("It is 5.") + 1


def test_the_spelling_of_a_special_token_in_a_response_is_text(folder: Path) -> None:
    (found,) = open_writer(folder, "chat").write([Row("?", "a<|im_end|>b")], 512)
    end = found.response.ids[-1]
    assert (found.response.ids == end).sum() == 1


def test_a_template_that_asks_for_the_day_gets_the_same_every_day(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "dated"
    shutil.copytree(folder, place)
    (place / "chat_template.jinja").write_text("{{ strftime_now('%d %b %Y') }}: " + TEMPLATE)
    writer = open_writer(place, "chat")
    (found,) = writer.write([Row("2+3?", "5")], 512)
    assert writer.vocabulary.tokenizer.decode(found.prompt).startswith("1 Jan 2000: ")


def test_an_empty_instruction_still_leaves_a_token_to_go_on_from() -> None:
    writer = open_writer(TINY / "base", "plain")
    (found,) = writer.write([Row("", "5")], 512)
    assert found.prompt.tolist() == [writer.vocabulary.roles["eos"]]


@pytest.mark.parametrize(
    ("prompt", "response", "left"),
    [
        (10, 5, (10, 6)),
        (10, 9, (10, 10)),
        (10, 10, (10, 10)),
        (4, 40, (4, 16)),
        (40, 4, (15, 5)),
        (40, 40, (10, 10)),
    ],
)
def test_too_long_a_row_loses_the_end_of_its_response_then_the_beginning_of_its_prompt(
    prompt: int, response: int, left: tuple[int, int]
) -> None:
    writer = open_writer(TINY / "base", "plain")
    row = Row(("0123456789" * 4)[-prompt:], ("abcdefghij" * 4)[:response])
    (found,) = writer.write([row], 20)
    assert (len(found.prompt), found.kept) == left
    assert found.cut == (left[1] < response + 1)
    decode = writer.vocabulary.tokenizer.decode
    assert decode(found.prompt) == row.instruction[-left[0] :]
    assert decode(found.kept_ids, skip_special_tokens=True) == row.response[: left[1]]
    assert len(found.response) == response + 1


def test_what_a_model_cannot_be_told_is_refused_in_one_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"base: has no chat template; add a chat_template\.jinja"):
        open_writer(TINY / "base", "chat")
    with pytest.raises(DataError, match=r"chat: its chat template refuses .*not this.*`format: plain`"):
        open_writer(folder, "chat").write([Row("no", "5")], 512)
    with pytest.raises(DataError, match=r"max_length: 1 tokens hold no prompt and response; raise it"):
        open_writer(folder, "plain").write(ROWS, 1)
    endless = tmp_path / "endless"
    shutil.copytree(TINY / "base", endless)
    settings = json.loads((endless / "tokenizer_config.json").read_text())
    settings.pop("eos_token")
    (endless / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(CheckpointError, match=r"names no end of text.* add eos_token"):
        open_writer(endless, "plain")


def test_nothing_is_written_as_nothing(folder: Path) -> None:
    for format_ in ("plain", "chat"):
        assert open_writer(folder, format_).write([], 8) == []
    assert np.array_equal(open_writer(folder, "plain").write(ROWS[:1], 512)[0].kept_ids[-1:], [0])
