"""What cannot end well is refused in one line, before a single source was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from merging.fusion.training import ahead
from search.fusing import preflight
from studies.store import StudyStore
from tests.search.conftest import TINY, Outcome
from tests.search.fusing.families import FUSION, Families, write_yaml

Crucible = Callable[..., Outcome]


def refusal(families: Families, crucible: Crucible, **changes: object) -> str:
    """What a fusion says that is refused."""
    write_yaml(families.file, {**FUSION, **changes})
    out = families.folder / "out"
    there = sorted(out.rglob("*"))
    outcome = crucible("fuse", families.file, "--storage", families.storage, "--out", out, "--json")
    assert outcome.code == 2, outcome.err
    assert outcome.out == ""
    assert sorted(out.rglob("*")) == there, "nothing was begun"
    message = outcome.err.splitlines()[-1]
    assert message.startswith("crucible: ")
    return message


def write_data(families: Families, *rows: object) -> Path:
    file = families.folder / "instructions.jsonl"
    file.write_text("".join(row if isinstance(row, str) else f"{json.dumps(row)}\n" for row in rows))
    return file


def test_items_of_the_slices_among_the_data(families: Families, crucible: Crucible) -> None:
    item = json.loads((TINY / "gsm8k.jsonl").read_text().splitlines()[0])
    asked = [json.loads(line) for line in (TINY / "gsm8k.jsonl").read_text().splitlines()]
    rows = [{"instruction": f"Please solve:  {row['question'].upper()}", "response": "1"} for row in asked]
    write_data(families, {"instruction": "Say hello.", "response": "Hello."}, *rows)
    message = refusal(families, crucible)
    assert "of 601 rows hold evaluation items of gsm8k" in message
    assert "instructions.jsonl:" in message
    assert item["question"] not in message


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"instruction": "a"\n', ":2:"),
        ({"instruction": "a"}, ":2: response is missing"),
        ({"instruction": "a", "response": 3}, ":2: response"),
        ({"instruction": "a", "response": "b", "slice": "gsm8"}, "did you mean 'gsm8k'"),
    ],
)
def test_faults_of_the_data_by_file_line_and_field(
    families: Families, crucible: Crucible, row: object, said: str
) -> None:
    file = write_data(families, {"instruction": "a", "response": "b"}, row)
    message = refusal(families, crucible)
    assert str(file) in message
    assert said in message


def test_models_without_a_shared_format(families: Families, crucible: Crucible) -> None:
    assert "chat needs a chat template in every model" in refusal(families, crucible, format="chat")


def test_tokenizers_that_agree_on_too_little(families: Families, crucible: Crucible) -> None:
    """Of letters that one of them cannot write nothing is aligned, only the spaces between."""
    write_data(
        families, *({"instruction": f"say {i}", "response": "\u05d0\u05d1\u05d2 " * 9} for i in range(9))
    )
    message = refusal(families, crucible)
    assert "25.0% of the characters in aligned spans, below the floor of 90%" in message
    assert "qwen: math and llama: trial 0" in message


def test_a_disk_too_small(families: Families, crucible: Crucible) -> None:
    message = refusal(families, crucible, distributions={"top_k": 10**9})
    assert "a disk too small: the fusion needs" in message
    assert "are free; make room, lower distributions.top_k" in message


def test_too_little_memory(families: Families, crucible: Crucible, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "free_memory", lambda device: 1_000_000)
    message = refusal(families, crucible)
    assert "training needs about" in message
    assert "1.0 MB are free" in message
    assert "set training.lora" in message


def test_items_that_the_fusions_engine_would_ask_otherwise(families: Families, crucible: Crucible) -> None:
    message = refusal(families, crucible, engine={"max_tokens": 47})
    assert "the items of" in message
    assert "max_tokens" in message


def test_a_folder_of_another_fusion(families: Families, crucible: Crucible) -> None:
    out = families.folder / "out"
    out.mkdir()
    (out / "fusion.json").write_text('{"fusion": "another"}')
    assert "holds the fusion 'another'; choose another place with --out" in refusal(families, crucible)


def test_a_folder_that_holds_something_else(families: Families, crucible: Crucible) -> None:
    out = families.folder / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    assert "the folder is not empty" in refusal(families, crucible)


def test_a_refusal_is_the_state_of_the_study(families: Families, crucible: Crucible) -> None:
    message = refusal(families, crucible, format="chat")
    with StudyStore(families.storage) as store:
        (summary,) = [each for each in store.studies() if each.name == "fused"]
    assert summary.state == "failed"
    assert f"crucible: {summary.reason}" == message


def test_sources_that_a_missing_vllm_should_answer_for(
    families: Families, crucible: Crucible, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "find_spec", lambda name: None)
    message = refusal(families, crucible, distributions={"engine": "vllm"})
    assert "distributions.engine: vllm is not installed; pip install" in message
    assert "or write `transformers`" in message
