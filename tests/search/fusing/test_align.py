"""`crucible align`: two model folders and text in, a verdict out, and one line for what is wrong."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from search.errors import SearchError
from search.fusing.align import align, read_texts
from tests.merging.fusion.alignment.made import byte_level, saved
from tests.search.conftest import TINY, Outcome

Crucible = Callable[..., Outcome]


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The tiny family's characters, and byte-level BPE."""
    other = tmp_path_factory.mktemp("bpe")
    saved(byte_level(), other, eos_token="<eos>")
    return TINY / "base", other


def write(file: Path, *rows: object) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_json_says_how_much_is_aligned(pair: tuple[Path, Path], crucible: Crucible) -> None:
    outcome = crucible("align", *pair, "--data", TINY / "gsm8k.jsonl", "--json")
    assert outcome.code == 0
    found = json.loads(outcome.out)
    rows = [json.loads(line) for line in (TINY / "gsm8k.jsonl").read_text().splitlines()]
    assert found["characters"] == sum(len(row["question"]) + len(row["answer"]) for row in rows)
    assert found["coverage"] == found["exact"] == 1.0
    assert found["one_to_many"] == found["many_to_many"] == 0
    assert found["one_to_one"] + found["many_to_one"] == found["tokens"][1]
    assert found["texts"] == 1200
    assert (found["floor"], found["can_be_fused"]) == (0.9, True)
    assert found["seconds"] > 0


def test_people_read_whether_the_two_can_be_fused(pair: tuple[Path, Path], crucible: Crucible) -> None:
    outcome = crucible("align", *pair, "--data", TINY / "math.jsonl")
    assert outcome.code == 0
    assert "100.0% of the characters in aligned spans: the two can be fused (floor 90%)" in outcome.out
    assert f"of {pair[1]} (B)" in outcome.out


def test_a_pair_below_the_floor_is_reported_and_refused_where_it_matters(
    pair: tuple[Path, Path], tmp_path: Path, crucible: Crucible
) -> None:
    data = write(tmp_path / "greek.jsonl", {"text": "αβγδεζ and 4"})
    outcome = crucible("align", *pair, "--data", data)
    assert outcome.code == 0
    assert (
        "50.0% of the characters in aligned spans: too few to be fused (floor 90%);"
        " 50.0% unknown to one of the tokenizers, 0.0% in spans of too many tokens"
    ) in outcome.out
    found = align(str(pair[0]), str(pair[1]), data)
    assert found.to_json()["can_be_fused"] is False
    with pytest.raises(SearchError, match=r"50\.0% of the characters .*, below the floor of 90%") as error:
        found.check()
    assert "\n" not in str(error.value)
    found.check(floor=0.4)


def test_every_string_of_the_items_is_text_but_no_name(tmp_path: Path) -> None:
    rows = ({"a": "x", "n": 3, "list": ["y", {"deep": "z"}]}, {"a": "", "b": None})
    assert read_texts(write(tmp_path / "a.jsonl", *rows)) == ["x", "y", "z", ""]
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    assert read_texts(tmp_path / "a.jsonl.gz") == ["x", "y", "z", ""]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "no text: none of its objects has a string"),
        ('{"n": 1}\n{"s": ""}\n', "no text: none of its objects has a string"),
        ('{"a": "b"\n', "line 1: not JSON"),
        ('["a"]\n', "line 1: expected an object, found list"),
        ('{"a": "b"}\n{"a": "\\ud83d"}\n', "line 2: half a surrogate pair in a string"),
    ],
)
def test_data_without_text_is_named_in_one_line(
    content: str, reason: str, pair: tuple[Path, Path], tmp_path: Path, crucible: Crucible
) -> None:
    data = tmp_path / "items.jsonl"
    data.write_text(content)
    outcome = crucible("align", *pair, "--data", data)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"crucible: {data}")
    assert reason in outcome.err
    assert outcome.err.count("\n") == 1


def test_models_without_a_tokenizer_are_named_in_one_line(
    pair: tuple[Path, Path], tmp_path: Path, crucible: Crucible
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copy(TINY / "base" / "config.json", bare)
    for other, reason in ((bare, "no tokenizer; copy"), (tmp_path / "none", "no such model folder")):
        outcome = crucible("align", pair[0], other, "--data", TINY / "gsm8k.jsonl")
        assert outcome.code == 2
        assert outcome.err.startswith(f"crucible: {other}: {reason}")
        assert outcome.err.count("\n") == 1


def test_data_that_is_not_there_is_named(pair: tuple[Path, Path], tmp_path: Path, crucible: Crucible) -> None:
    outcome = crucible("align", *pair, "--data", tmp_path / "none.jsonl")
    assert outcome.code == 2
    assert "none.jsonl: cannot be read (No such file or directory)" in outcome.err
