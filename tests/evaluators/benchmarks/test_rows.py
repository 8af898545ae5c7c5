import gzip
import json
from pathlib import Path

import pytest

from evaluators.benchmarks.rows import read_rows, text, texts, whole
from evaluators.errors import SliceError

FIELDS = {"question": text(), "answer": text("#### ")}
GOOD = {"question": "1+1?", "answer": "2\n#### 2", "more": [1]}


def write(path: Path, *lines: str | bytes) -> Path:
    encoded = [line if isinstance(line, bytes) else line.encode() for line in lines]
    path.write_bytes(b"\n".join(encoded) + b"\n")
    return path


def test_rows_keep_their_line_and_only_the_fields_of_the_schema(tmp_path: Path) -> None:
    rows = read_rows(write(tmp_path / "a.jsonl", json.dumps(GOOD), "", json.dumps(GOOD)), FIELDS)
    assert [row.index for row in rows] == [0, 2]
    assert rows[0].doc == {"question": "1+1?", "answer": "2\n#### 2"}


def test_gzipped_rows_read_as_plain_ones(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.jsonl", json.dumps(GOOD))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    assert read_rows(tmp_path / "a.jsonl.gz", FIELDS) == read_rows(plain, FIELDS)


def test_only_a_newline_ends_a_row(tmp_path: Path) -> None:
    odd = GOOD | {"question": "a\u2028b\u0085c"}
    path = write(tmp_path / "a.jsonl", json.dumps(odd, ensure_ascii=False))
    assert read_rows(path, FIELDS)[0].doc["question"] == "a\u2028b\u0085c"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"question": "q", "answer": ', "line 2: not JSON"),
        ('["q", "a"]', "line 2: expected an object with question, answer, found list"),
        ('{"question": "q"}', "line 2: field 'answer' is missing; found question"),
        ('{"question": "q", "answer": 7}', "line 2: field 'answer' must be a string, found int"),
        ('{"question": "q", "answer": "7"}', "line 2: field 'answer' holds no '#### '"),
        (b'{"question": "\xff"}', "not UTF-8"),
    ],
)
def test_a_bad_row_is_named_by_file_line_and_field(tmp_path: Path, line: str | bytes, reason: str) -> None:
    path = write(tmp_path / "a.jsonl", json.dumps(GOOD), line)
    with pytest.raises(SliceError) as caught:
        read_rows(path, FIELDS)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SliceError, match=r"absent\.jsonl: cannot be read \(No such file"):
        read_rows(tmp_path / "absent.jsonl", FIELDS)
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b"x" * 999)[:-9])
    with pytest.raises(SliceError, match=r"cut\.jsonl\.gz: cannot be read"):
        read_rows(tmp_path / "cut.jsonl.gz", FIELDS)


@pytest.mark.parametrize(
    ("check", "value", "wrong"),
    [
        (texts(2), ["a", "b"], ""),
        (texts(2), ["a"], "holds 1 strings, but 2 are needed"),
        (texts(1), ["a", ""], "holds an empty string"),
        (texts(1), "a", "must be a list of strings, found str"),
        (texts(1), ["a", 1], "must be a list of strings, found a list with int"),
        (whole(4), 3, ""),
        (whole(4), 4, "must be a whole number from 0 to 3, found 4"),
        (whole(4), "C", "must be a whole number from 0 to 3, found 'C'"),
        (whole(), True, "must be a whole number from 0, found True"),
        (whole(), -1, "must be a whole number from 0, found -1"),
    ],
)
def test_a_check_says_what_is_wrong_with_a_value(check, value: object, wrong: str) -> None:
    assert check(value) == wrong


def test_without_a_schema_rows_are_whole_and_still_objects(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", json.dumps(GOOD), '["q"]')
    with pytest.raises(SliceError, match="line 2: expected an object, found list"):
        read_rows(path, None)
    assert read_rows(write(path, json.dumps(GOOD)), None)[0].doc == GOOD
