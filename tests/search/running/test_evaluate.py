"""`crucible evaluate`: any model's answers are filed under its content, and a study may keep the model."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from merging.family.prepare import open_model
from merging.models.fingerprint import survey
from merging.recipe import ModelRef, Parameters, Recipe, whole_model
from search.running.workshop import computing_as, open_workshop
from search.study_file.spec import load_study
from studies.store import StudyStore
from studies.store.rows import ModelSubject
from tests.evaluators.benchmarks.chat_models import CHATML
from tests.search.conftest import TINY, Finished, Outcome, small_study, write_study

Crucible = Callable[..., Outcome]
URL = "sqlite:///crucible.db"
EVIDENCE = "select subject_digest, slice_digest, item, measured_at from crucible_evidence order by 1, 2, 3"
CHAT = (
    "{% for message in messages %}<user>{{ message['content'] }}</user>{% endfor %}"
    "{% if add_generation_prompt %}<model>{% endif %}"
)


def evidence() -> list[tuple[Any, ...]]:
    with sqlite3.connect("crucible.db") as connection:
        return connection.execute(EVIDENCE).fetchall()


def said(outcome: Outcome) -> Any:
    assert outcome.code == 0, outcome
    return json.loads(outcome.out)


def board(crucible: Crucible, *studies: str) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in said(crucible("leaderboard", *studies, "--json"))}


def qwen(folder: Path, context: int = 4096) -> Path:
    """A model of another family: Qwen2, with another tokenizer, chat template and stop token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<|im_end|>"], initial_alphabet=letters)
    tokenizer.train_from_iterator((TINY / "gsm8k.jsonl").read_text().splitlines()[:50], trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|im_end|>")
    fast.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(CHAT)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(fast), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=context, eos_token_id=0,
    )  # fmt: skip
    Qwen2ForCausalLM(config).save_pretrained(folder)
    return folder


def digest_of(folder: Path) -> str:
    return survey(open_model(folder)).digest


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a study of two items a slice in it."""
    monkeypatch.chdir(tmp_path)
    return write_study(tmp_path, small_study(trials=1, items=2))


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: Finished) -> Path:
    """A finished study with its store, to be changed at will; its folder is the working directory."""
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect(finished.folder / "crucible.db") as connection:
        connection.execute("vacuum into ?", (str(tmp_path / "crucible.db"),))
    return write_study(tmp_path, small_study())


# -- what is kept of a model, and found again ----------------------------------------------------------------


def test_answers_are_filed_under_the_models_content_wherever_it_lies(place: Path, crucible: Crucible) -> None:
    first = said(crucible("evaluate", TINY / "math", place, "--json"))
    assert first["fingerprint"] == digest_of(TINY / "math")
    filed = evidence()
    assert {row[0] for row in filed} == {first["fingerprint"]}
    with StudyStore(URL) as store:
        subject = store.subject(first["fingerprint"])
        assert store.studies() == [], "without --keep no study begins"
    assert subject == ModelSubject(first["fingerprint"], str(TINY / "math"), None, "llama", _size())
    shutil.copytree(TINY / "math", "moved")
    assert said(crucible("evaluate", "moved", place, "--json")) == {**first, "model": "moved"}
    assert evidence() == filed, "nothing was asked again"


def _size() -> int:
    return sum(info.numel for info in open_model(TINY / "math").tensors.values())


def of_itself(folder: Path) -> Recipe:
    """The recipe under which earlier versions filed a raw model's answers."""
    model = open_model(folder)
    ref = ModelRef(path=str(folder), fingerprint=survey(model).digest)
    layers, outer = whole_model(Parameters(weight=(1.0,), density=(1.0,)), 4)
    return Recipe(ref, (ref,), "linear", layers, outer, dtype="float32")


def test_what_an_earlier_version_measured_is_found_and_not_asked_again(
    place: Path, crucible: Crucible
) -> None:
    report = said(crucible("evaluate", TINY / "math", place, "--json"))
    before = evidence()
    with StudyStore(URL) as store:
        was = store.add_recipe(of_itself(TINY / "math"))
    with sqlite3.connect("crucible.db") as connection:  # as if that version had asked
        connection.execute("update crucible_evidence set subject_digest = ?", (was,))
    assert said(crucible("evaluate", TINY / "math", place, "--json")) == report
    after = evidence()
    assert [row for row in after if row[0] == was] == [(was, *row[1:]) for row in before], "it stays"
    assert [row for row in after if row[0] != was] == before, "times of measurement included"


def test_what_it_took_over_from_an_earlier_version_it_keeps_in_a_study(
    place: Path, crucible: Crucible
) -> None:
    crucible("evaluate", TINY / "math", place)
    before = evidence()
    crucible("evaluate", TINY / "math", place, "--keep")
    assert evidence() == before


# -- kept by a study -----------------------------------------------------------------------------------------


def test_a_kept_model_is_on_the_leaderboard_and_a_rival(copy: Path, crucible: Crucible) -> None:
    model = qwen(Path("qwen"))
    report = said(crucible("evaluate", model, copy, "--keep", "--json"))
    assert report["kept"] == "qwen"
    rows = board(crucible, "tiny")
    assert rows["qwen"] | {"kind": "model", "digest": digest_of(model), "trial": None} == rows["qwen"]
    assert rows["qwen"]["holdout"] == report["holdout"]
    assert all(score["n"] == 12 for score in rows["qwen"]["holdout"].values())
    assert all(score["n"] == 6 for score in rows["qwen"]["search"].values())
    best = next(iter(rows.values()))
    assert best["vs_best_model"]["mean"] == pytest.approx(best["holdout_mean"] - rows["qwen"]["holdout_mean"])
    shown = crucible("leaderboard", "tiny").out
    assert "vs best raw model" in shown
    assert "the model qwen" in shown
    (line,) = said(crucible("status", "--json"))
    assert (line["state"], line["trials"]) == ("complete", 4), "the study is as it was"


def test_keeping_again_asks_nothing_and_adds_no_row(copy: Path, crucible: Crucible) -> None:
    model = qwen(Path("qwen"))
    crucible("evaluate", model, copy, "--keep")
    before, rows = evidence(), board(crucible, "tiny")
    shutil.copytree(model, "renamed")
    assert said(crucible("evaluate", "renamed", copy, "--keep", "--json"))["kept"] == "qwen"
    assert (evidence(), board(crucible, "tiny")) == (before, rows)


def test_a_name_that_is_taken_gets_the_models_digest(copy: Path, crucible: Crucible) -> None:
    name = said(crucible("evaluate", TINY / "math", copy, "--keep", "--json"))["kept"]
    assert name == f"math ({digest_of(TINY / 'math')[:8]})"
    rows = board(crucible, "tiny")
    assert rows[name]["holdout"] == rows["math"]["holdout"], "the raw expert answers as the merge of it alone"
    assert said(crucible("items", "tiny", "--candidate", name, "--slice", "math", "--json"))


def test_a_study_that_has_not_begun_begins_and_runs_later(place: Path, crucible: Crucible) -> None:
    assert (
        "'qwen' is a candidate of study 'tiny'"
        in crucible("evaluate", qwen(Path("qwen")), place, "--keep").out
    )
    (line,) = said(crucible("status", "--json"))
    assert (line["name"], line["state"], line["trials"]) == ("tiny", "stopped", 0)
    assert line["reason"] == "no search yet, only models were evaluated: `crucible run` begins it"
    assert list(board(crucible, "tiny")) == ["qwen"]
    asked = evidence()
    assert crucible("run", place).code == 0
    rows = board(crucible, "tiny")
    assert set(rows) == {"qwen", "base", "gsm8k", "math", "code", "uniform", "trial 0"}
    assert set(asked) < set(evidence())
    (line,) = said(crucible("status", "--json"))
    assert line["state"] == "complete"


def test_a_study_that_changed_keeps_nothing(copy: Path, crucible: Crucible) -> None:
    before = evidence()
    write_study(copy.parent, small_study(items=5))
    outcome = crucible("evaluate", qwen(Path("qwen")), copy, "--keep")
    assert outcome.code == 2
    assert "study 'tiny' is not what it was when it began" in outcome.err
    assert outcome.err.count("\n") == 1
    assert evidence() == before


def test_a_raw_model_is_not_exported(place: Path, crucible: Crucible) -> None:
    crucible("evaluate", qwen(Path("qwen")), place, "--keep")
    outcome = crucible("export", "tiny", "--out", "out")
    assert outcome.code == 2
    assert "'qwen' is no merge but the model " in outcome.err
    assert outcome.err.endswith("qwen: take it as it is\n")


# -- a model of another family -------------------------------------------------------------------------------


def chat_study(folder: Path, **changes: object) -> Path:
    """A study of one slice whose prompts are put in the chat template of a base of its own."""
    if not (folder / "base").exists():
        shutil.copytree(TINY / "base", folder / "base")
        (folder / "base" / "chat_template.jinja").write_text(CHATML)
    part = {"name": "gsm8k", "task": "gsm8k", "data": "gsm8k.jsonl", "num_fewshot": 0, "chat_template": True}
    slices = [{**part, "search": 2, "holdout": 4, **changes}]
    return write_study(folder, small_study(trials=1, slices=slices))


def answers(subject: str, split: str) -> dict[int, str]:
    """The hash of each prompt that a subject was asked, by item."""
    with StudyStore(URL) as store:
        (part,) = [part for part in store.slices(store.study("tiny")) if part.split == split]
        return {each.item: each.prompt_hash for each in store.results(subject, part.digest)}


def test_it_is_asked_the_studys_items_in_its_own_chat_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crucible: Crucible
) -> None:
    monkeypatch.chdir(tmp_path)
    file = chat_study(tmp_path)
    model = qwen(Path("qwen"))
    assert crucible("evaluate", model, file, "--keep").code == 0
    workshop = open_workshop(load_study(file))
    for part in workshop.slices:
        hashes = answers(digest_of(model), part.split)
        assert set(hashes) == {item.index for item in part.items}, "the very items of the study"
        tokenizer = AutoTokenizer.from_pretrained(model)
        for item in part.items:
            words = [{"role": "user", "content": f"Question: {item.doc['question']}\nAnswer:"}]
            prompt = tokenizer.apply_chat_template(words, tokenize=False, add_generation_prompt=True)
            assert prompt.startswith("<user>Question: ")
            assert hashes[item.index] == part.prompt_hash(type(item)(item.index, prompt, item.doc))


def test_without_a_chat_template_it_cannot_be_asked_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crucible: Crucible
) -> None:
    monkeypatch.chdir(tmp_path)
    file, model = chat_study(tmp_path), qwen(Path("qwen"))
    (model / "chat_template.jinja").unlink()
    outcome = crucible("evaluate", model, file, "--keep")
    assert outcome.code == 2
    assert "slice 'gsm8k': chat_template: the tokenizer in" in outcome.err
    assert outcome.err.count("\n") == 1


def test_it_is_asked_what_the_study_asks_even_where_a_prompt_is_too_long_for_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    crucible: Crucible,
) -> None:
    monkeypatch.chdir(tmp_path)
    file = chat_study(tmp_path, long_prompts="drop")
    model = qwen(Path("qwen"), context=64)
    outcome = crucible("evaluate", model, file, "--keep")
    assert outcome.code == 0, outcome
    told = "slice 'gsm8k' (holdout): 4 of 4 prompts have more than 16 tokens: they lose their beginning"
    assert told in caplog.text
    assert len(answers(digest_of(model), "holdout")) == 4


def test_the_studys_stop_tokens_are_not_a_raw_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crucible: Crucible
) -> None:
    """An expert that stops elsewhere gives the study a setting; the raw model's answers depend on its own."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(TINY / "math", "math")
    file = Path("math", "generation_config.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "eos_token_id": [1, 2]}))
    study = write_study(tmp_path, small_study(trials=1, items=2))
    assert open_workshop(load_study(study)).setting
    model = qwen(Path("qwen"))
    assert crucible("evaluate", model, study).code == 0
    asked = evidence()
    report = said(crucible("evaluate", model, study, "--keep", "--json"))
    kept = [row for row in evidence() if row not in asked]
    assert sorted(row[2:] for row in kept) == sorted(row[2:] for row in asked), "filed anew, not asked anew"
    assert board(crucible, "tiny")["qwen"]["holdout"] == report["holdout"]


def test_a_study_of_gold_answers_keeps_their_likelihood_and_accuracy_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crucible: Crucible
) -> None:
    monkeypatch.chdir(tmp_path)
    study = write_study(tmp_path, small_study(trials=1, items=2, objective="gold_logprob"))
    kept = said(crucible("evaluate", TINY / "math", study, "--keep", "--json"))
    plain = said(crucible("evaluate", TINY / "math", study, "--json"))
    assert {**plain, "kept": kept["kept"]} == kept
    (row,) = board(crucible, "tiny").values()
    assert all(score["of"] == "gold_logprob" for score in row["search"].values())


def test_it_computes_in_the_dtype_of_the_studys_base(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = load_study(place)
    assert computing_as(spec, TINY / "base").engine.dtype == "float32", "on a CPU"
    monkeypatch.setattr("evaluators.engines.transformers.runs_on_cpu", lambda: False)
    assert computing_as(spec, TINY / "base").engine.dtype == "bfloat16"
