"""Rows of instruction and response: what is read, what is refused, and which format models share."""

from __future__ import annotations

from pathlib import Path

import pytest

from merging.errors import DataError
from merging.fusion.texts import Row, choose_format, digest_rows, read_rows


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_rows_are_read_in_order_from_all_files(tmp_path: Path) -> None:
    a = write(tmp_path, "a.jsonl", '{"instruction": "1+1?", "response": " 2", "slice": "math"}\n\n')
    b = write(tmp_path, "b.jsonl", '{"instruction": "", "response": "é\\n", "id": 7}')
    assert read_rows([a, b]) == (Row("1+1?", " 2", "math"), Row("", "é\n"))


def test_rows_are_known_by_what_they_say(tmp_path: Path) -> None:
    rows = (Row("a", "b"), Row("c", "d", "math"))
    assert digest_rows(rows) == digest_rows(list(rows))
    others = [rows[::-1], (rows[0],), (rows[0], Row("c", "d")), (Row("ab", ""), rows[1])]
    assert len({digest_rows(rows), *map(digest_rows, others)}) == 5


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"rows\.jsonl:2: no JSON"),
        ("[1]", r"rows\.jsonl:2: \[1\] is no object; write instruction and response"),
        ('{"response": "b"}', r"rows\.jsonl:2: instruction is missing; write a string"),
        ('{"instruction": "a", "response": 5}', r"rows\.jsonl:2: response is 5; write a string"),
        (
            '{"instruction": "a", "response": " \\n"}',
            r"rows\.jsonl:2: response is empty; .*leave .*out",
        ),
        ('{"instruction": "a", "response": "b", "slice": 1}', r"rows\.jsonl:2: slice is 1; write a string"),
        ('{"instruction": "\\ud800", "response": "b"}', r"rows\.jsonl:2: instruction is no text"),
    ],
)
def test_a_row_that_cannot_be_learnt_from_is_named_by_file_and_line(
    tmp_path: Path, line: str, message: str
) -> None:
    file = write(tmp_path, "rows.jsonl", '{"instruction": "a", "response": "b"}\n' + line + "\n")
    with pytest.raises(DataError, match=message) as error:
        read_rows([file])
    assert "\n" not in str(error.value)


def test_files_without_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.jsonl: cannot be read .*No such file"):
        read_rows([tmp_path / "none.jsonl"])
    with pytest.raises(DataError, match=r"empty\.jsonl: has no rows"):
        read_rows([write(tmp_path, "empty.jsonl", "\n")])
    (tmp_path / "latin.jsonl").write_bytes('{"instruction": "é", "response": "b"}'.encode("latin-1"))
    with pytest.raises(DataError, match=r"latin\.jsonl: cannot be read .*UTF-8"):
        read_rows([tmp_path / "latin.jsonl"])


def test_the_format_is_chat_where_every_model_has_a_template_and_plain_where_none_has() -> None:
    assert choose_format("auto", {"a": True, "b": True}) == "chat"
    assert choose_format("auto", {"a": False, "b": False}) == "plain"
    assert choose_format("plain", {"a": True, "b": False}) == "plain"
    assert choose_format("chat", {"a": True}) == "chat"


def test_models_that_share_no_format_are_named() -> None:
    with pytest.raises(
        DataError, match=r"share none: qwen have a chat template, tiny, base have none; write `format: plain`"
    ):
        choose_format("auto", {"tiny": False, "qwen": True, "base": False})
    with pytest.raises(DataError, match=r"chat needs a chat template in every model, which tiny lack"):
        choose_format("chat", {"tiny": False, "qwen": True})
    with pytest.raises(DataError, match=r"format: 'alpaca' is none; write auto, plain or chat"):
        choose_format("alpaca", {"tiny": True})
