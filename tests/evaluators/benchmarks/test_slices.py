import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from evaluators.benchmarks import catalogue as benchmarks
from evaluators.benchmarks.slices import Item, Slice, SliceRequest, build_slices, retold
from evaluators.errors import SliceError
from tests.evaluators.benchmarks import choice_docs
from tests.evaluators.benchmarks.chat_models import CHATML, TRIMMING, save_tokenizer


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [{"question": f"{n}?", "answer": f"#### {n}"} for n in [*range(30), 3, 4]]
    path = tmp_path_factory.mktemp("data") / "items.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def request_(data: Path) -> SliceRequest:
    return SliceRequest("sums", "gsm8k", data, 0, search=10, holdout=12, seed=1, max_tokens=9)


def build(request: SliceRequest) -> tuple[Slice, Slice]:
    (search,), (holdout,) = build_slices([request])
    return search, holdout


def test_search_and_holdout_are_disjoint_and_as_large_as_asked(request_: SliceRequest) -> None:
    search, holdout = build(request_)
    prompts = [{item.prompt for item in part.items} for part in (search, holdout)]
    assert (len(prompts[0]), len(prompts[1])) == (10, 12)
    assert not prompts[0] & prompts[1]
    assert (search.split, holdout.split) == ("search", "holdout")
    assert (search.name, search.task, search.grader, search.max_tokens) == ("sums", "gsm8k", "gsm8k", 9)


def test_an_item_is_its_row_in_the_file(request_: SliceRequest) -> None:
    for item in build(request_)[0].items:
        assert item.prompt == f"Question: {item.index}?\nAnswer:"
        assert item.doc == {"question": f"{item.index}?", "answer": f"#### {item.index}"}


def test_more_search_items_leave_the_holdout_as_it_was(request_: SliceRequest) -> None:
    few, many = build(request_), build(replace(request_, search=18))
    assert many[1] == few[1]
    assert many[0].items[:10] == few[0].items


def test_another_seed_draws_other_items(request_: SliceRequest) -> None:
    assert build(replace(request_, seed=2))[1].items != build(request_)[1].items


def test_repeated_prompts_count_once(request_: SliceRequest) -> None:
    with pytest.raises(SliceError) as caught:
        build(replace(request_, search=19))
    message = str(caught.value)
    assert "slice 'sums'" in message
    assert "has 30 different items" in message
    assert "search 19 + holdout 12 = 31" in message
    assert "\n" not in message


def test_slices_are_plain_data(request_: SliceRequest) -> None:
    search, _ = build(request_)
    assert pickle.loads(pickle.dumps(search)) == search


def test_a_digest_names_the_items_and_how_they_are_judged(request_: SliceRequest) -> None:
    search, holdout = build(request_)
    digest = search.digest("transformers/float32")
    assert replace(search, name="other", split="holdout").digest("transformers/float32") == digest
    others = [
        holdout.digest("transformers/float32"),
        search.digest("vllm/bfloat16"),
        replace(search, max_tokens=10).digest("transformers/float32"),
        replace(search, stop=("\n",)).digest("transformers/float32"),
        replace(search, items=search.items[:-1]).digest("transformers/float32"),
    ]
    assert len({digest, *others}) == 6


def test_the_same_request_means_the_same_digest_in_any_process(request_: SliceRequest) -> None:
    code = """
import pickle, sys
from evaluators.benchmarks.slices import build_slices
(search,), (holdout,) = build_slices([pickle.loads(sys.stdin.buffer.read())])
print(search.digest("e"), holdout.digest("e"))
"""
    search, holdout = build(request_)
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps(request_),
        env=os.environ | {"PYTHONHASHSEED": "7"},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().split() == [search.digest("e"), holdout.digest("e")]


def test_slices_need_no_torch() -> None:
    code = "import sys; sys.modules['torch'] = None; import evaluators.benchmarks.slices, evaluators.judge"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_item_is_in_two_slices(tiny: Path) -> None:
    data = tiny / "gsm8k.jsonl"
    steering = SliceRequest("a", "gsm8k", data, 0, search=400, holdout=1, seed=0, max_tokens=48)
    judging = SliceRequest("b", "gsm8k", data, 0, search=1, holdout=300, seed=1, max_tokens=48)
    with pytest.raises(SliceError, match=r"slices 'a' \(search\) and 'b' \(\w+\) share the item 'Question: "):
        build_slices([steering, judging])


def choice_slice() -> Slice:
    item = Item(0, "1+1?", {"question": "1+1?"}, choices=(" 2", " 3"), right=0, gold=" 2")
    return Slice("sums", "mmlu_sums", "search", (item,), (), 9, "acc", scoring="choices")


@pytest.mark.parametrize(
    ("scoring", "matters"),
    [("generate", set()), ("choices", {"choices", "right"}), ("gold", {"gold"})],
)
def test_a_digest_holds_of_an_item_what_its_scoring_looks_at(scoring, matters: set[str]) -> None:
    slice_ = replace(choice_slice(), scoring=scoring)
    for field, value in {"choices": (" 2", " 4"), "right": 1, "gold": " 4"}.items():
        other = replace(slice_, items=(replace(slice_.items[0], **{field: value}),))
        assert (other.digest("e") != slice_.digest("e")) == (field in matters), field


def test_ways_of_scoring_are_told_apart() -> None:
    kinds = ("generate", "choices", "gold")
    assert len({replace(choice_slice(), scoring=kind).digest("e") for kind in kinds}) == 3


def test_the_digests_of_the_shipped_study_stay(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence that was stored by an earlier release is found again."""
    monkeypatch.setattr(benchmarks, "version", lambda library: "0")
    requests = [
        SliceRequest("gsm8k", "gsm8k", tiny / "gsm8k.jsonl", 0, search=64, holdout=300, max_tokens=48),
        SliceRequest("math", "minerva_math", tiny / "math.jsonl", 0, search=64, holdout=300, max_tokens=48),
        SliceRequest("code", "humaneval", tiny / "code.jsonl", None, search=64, holdout=300, max_tokens=48),
    ]
    search, holdout = build_slices(requests)
    assert {(part.name, part.split): part.digest("engine")[:16] for part in (*search, *holdout)} == {
        ("gsm8k", "search"): "7d183138f53ad889",
        ("math", "search"): "eef876b773d596f7",
        ("code", "search"): "3876856e69aaea67",
        ("gsm8k", "holdout"): "032d4e5d88e9c8bf",
        ("math", "holdout"): "ce80f2df53dca65f",
        ("code", "holdout"): "567171a014ffe27d",
    }


def write(path: Path, numbers: range) -> Path:
    rows = [{"question": f"{n}?", "answer": f"#### {n}"} for n in numbers]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_with_a_split_to_train_on_the_test_split_only_judges(tmp_path: Path) -> None:
    train, test = write(tmp_path / "train.jsonl", range(20)), write(tmp_path / "test.jsonl", range(15, 40))
    request = SliceRequest("sums", "gsm8k", test, 0, search=10, holdout=25, train=train)
    search, holdout = build(request)
    asked = [{item.doc["question"] for item in part.items} for part in (search, holdout)]
    assert asked[0] <= {f"{n}?" for n in range(15)}  # 15 to 19 could judge, so they never steer
    assert asked[1] == {f"{n}?" for n in range(15, 40)}
    assert build(replace(request, search=15))[1] == holdout
    with pytest.raises(SliceError, match=r"train\.jsonl has 15 different items, but search 16 are asked for"):
        build(replace(request, search=16))
    with pytest.raises(SliceError, match=r"test\.jsonl has 25 different items, but holdout 26 are asked for"):
        build(replace(request, holdout=26))


def test_no_question_is_in_two_slices_though_their_prompts_differ(tmp_path: Path) -> None:
    data = write(tmp_path / "items.jsonl", range(20))
    plain = SliceRequest("plain", "gsm8k", data, 0, search=10, holdout=10)
    with pytest.raises(SliceError, match="share the item"):
        build_slices([plain, replace(plain, name="cot", task="gsm8k_cot")])


def test_slices_of_choices_depend_on_no_limit_of_tokens(tmp_path: Path) -> None:
    data = tmp_path / "items.jsonl"
    data.write_text("".join(json.dumps(doc) + "\n" for doc in choice_docs.arc()))
    request = SliceRequest("arc", "arc_challenge", data, 0, search=4, holdout=4, max_tokens=9)
    search, holdout = build(request)
    assert (search.scoring, search.grader, search.stop) == ("choices", "acc_norm", ())
    assert build(replace(request, max_tokens=10)) == (search, holdout)


def test_another_familys_chat_template_tells_the_same_questions(
    request_: SliceRequest, tmp_path: Path
) -> None:
    chatml, trimming = (
        replace(request_, chat=save_tokenizer(tmp_path / name, template))
        for name, template in (("chatml", CHATML), ("trimming", TRIMMING))
    )
    drawn = build(chatml)
    told = retold(drawn, [trimming])
    for was, now, alone in zip(drawn, told, build(trimming), strict=True):
        assert [(item.index, item.doc) for item in now.items] == [
            (item.index, item.doc) for item in was.items
        ]
        assert all(item.prompt.startswith("<|begin|>") for item in now.items)
        assert replace(now, items=()) == replace(was, items=())
        assert {item.index for item in alone.items} != {item.index for item in was.items}, "drawn for itself"
    assert retold(drawn, [chatml]) == drawn


def test_items_to_train_on_are_told_anew_as_well(request_: SliceRequest, data: Path, tmp_path: Path) -> None:
    train = tmp_path / "train.jsonl"
    train.write_text(data.read_text().replace("?", "!"))
    request = replace(request_, train=train)
    drawn = build(replace(request, chat=save_tokenizer(tmp_path / "a", CHATML)))
    told = retold(drawn, [replace(request, chat=save_tokenizer(tmp_path / "b", TRIMMING))])
    assert [[item.doc for item in part.items] for part in told] == [
        [item.doc for item in part.items] for part in drawn
    ]
    assert all("!" in item.prompt for item in told[0].items)


def test_without_chat_templates_there_is_nothing_to_tell_anew(request_: SliceRequest) -> None:
    drawn = build(request_)
    assert retold(drawn, [request_]) == drawn
