"""lm-eval's own command line is the oracle: the same checkpoint and items, float32, compared item by item."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file

from evaluators.benchmarks.graders import GRADERS
from evaluators.benchmarks.slices import Slice, SliceRequest, build_slices
from evaluators.engines.engine import Engine
from evaluators.engines.transformers import TransformersEngine
from evaluators.judge import ToAsk, judge
from evaluators.score import ItemResult
from search.candidates.merge import merge
from tests.evaluators.benchmarks import choice_docs
from tests.evaluators.benchmarks.lm_eval_cli import ask_lm_eval, samples, verdicts

SHIPPED = {
    "gsm8k": "gsm8k.jsonl",
    "gsm8k_cot": "gsm8k.jsonl",
    "gsm8k_cot_zeroshot": "gsm8k.jsonl",
    "minerva_math": "math.jsonl",
    "minerva_math500": "math.jsonl",
}
CHOICES = {
    "arc_challenge": choice_docs.arc(),
    "mmlu_anatomy": choice_docs.mmlu("anatomy"),
    "leaderboard_bbh_boolean_expressions": choice_docs.boolean(),
    "leaderboard_bbh_object_counting": choice_docs.counting(),
}
ALWAYS_WRONG = {"gsm8k_cot", "gsm8k_cot_zeroshot"}  # no tiny model says `The answer is`
ITEMS, MAX_TOKENS = choice_docs.ITEMS, 48


@pytest.fixture(scope="module")
def checkpoint(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A merge of two experts, as `crucible` exports it."""
    folder = tmp_path_factory.mktemp("merge")
    models = [{"model": str(tiny / name), "parameters": {"weight": 0.5}} for name in ("gsm8k", "math")]
    config = {"merge_method": "linear", "models": models, "dtype": "float32"}
    (folder / "merge.yaml").write_text(yaml.safe_dump(config))
    return merge(folder / "merge.yaml", folder / "merged", quiet=True).path


@pytest.fixture(scope="module")
def engine(checkpoint: Path) -> Engine:
    engine = TransformersEngine(checkpoint, dtype="float32")
    engine.load(load_file(checkpoint / "model.safetensors").items())
    return engine


@pytest.fixture(scope="module")
def slices(tiny: Path, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Slice]:
    folder = tmp_path_factory.mktemp("docs")
    files = {task: tiny / name for task, name in SHIPPED.items()}
    for task, docs in CHOICES.items():
        files[task] = folder / f"{task}.jsonl"
        files[task].write_text("".join(json.dumps(doc) + "\n" for doc in docs))
    requests = [
        SliceRequest(task, task, data, 0, search=ITEMS, holdout=0, max_tokens=MAX_TOKENS)
        for task, data in files.items()
    ]
    built = {request.task: build_slices([request])[0][0] for request in requests}
    return built | {task: _some_right(built[task], engine) for task in ALWAYS_WRONG}


def _some_right(slice_: Slice, engine: Engine) -> Slice:
    """Every other gold answer is the last number that the model says to the item."""
    said = engine.generate([item.prompt for item in slice_.items], slice_.stop, slice_.max_tokens)
    last = [(re.findall(r"\d+", completion.text) or ["0"])[-1] for completion in said]
    golds = [f"#### {last[n]}" if n % 2 else str(item.doc["answer"]) for n, item in enumerate(slice_.items)]
    items = tuple(
        replace(item, doc={**item.doc, "answer": gold})
        for item, gold in zip(slice_.items, golds, strict=True)
    )
    return replace(slice_, items=items)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lm_eval")


@pytest.fixture(scope="module")
def theirs(checkpoint: Path, slices: Mapping[str, Slice], folder: Path) -> dict[str, list[dict]]:
    """lm-eval's samples of all tasks, over the slices' own documents."""
    return ask_lm_eval(checkpoint, list(slices.values()), folder)


@pytest.fixture(scope="module")
def ours(engine: Engine, slices: Mapping[str, Slice]) -> dict[str, list[ItemResult]]:
    found: dict[str, list[ItemResult]] = {task: [] for task in slices}
    for task, slice_ in slices.items():
        judge(engine, [ToAsk(slice_, found[task].extend)])
    return found


def asked(row: dict) -> list[tuple[str, str]]:
    """(prompt, continuation) of every request of a sample, or (prompt, settings)."""
    requests = [row["arguments"][f"gen_args_{n}"] for n in range(len(row["arguments"]))]
    return [(each["arg_0"], each["arg_1"]) for each in requests]


@pytest.mark.parametrize("task", SHIPPED)
def test_prompts_are_those_of_lm_eval(task: str, slices, theirs) -> None:
    assert [item.prompt for item in slices[task].items] == [asked(row)[0][0] for row in theirs[task]]


@pytest.mark.parametrize("task", SHIPPED)
def test_texts_are_those_of_lm_eval(task: str, ours, theirs) -> None:
    assert [result.text for result in ours[task]] == [row["resps"][0][0] for row in theirs[task]]


@pytest.mark.parametrize("task", CHOICES)
def test_choices_are_those_of_lm_eval_and_as_likely(task: str, slices, theirs, engine: Engine) -> None:
    for item, row in zip(slices[task].items, theirs[task], strict=True):
        pairs = [(item.prompt, choice) for choice in item.choices]
        assert pairs == asked(row)
        likelihoods = [float(each[0][0]) for each in row["resps"]]
        assert [each.logprob for each in engine.loglikelihood(pairs)] == pytest.approx(likelihoods, abs=1e-3)


@pytest.mark.parametrize("task", [*SHIPPED, *CHOICES])
def test_verdicts_are_those_of_lm_eval(task: str, slices, ours, theirs) -> None:
    found = [result.correct for result in ours[task]]
    assert found == verdicts(slices[task].grader, theirs[task])
    assert (0 < sum(found) < ITEMS) or task in ALWAYS_WRONG, "a comparison needs right and wrong answers"


@pytest.mark.parametrize("task", ["gsm8k", *sorted(ALWAYS_WRONG)])
def test_flexible_verdicts_are_those_of_lm_eval(task: str, slices, ours, theirs, folder: Path) -> None:
    grades = GRADERS[task](slices[task].items, [result.text for result in ours[task]])
    found = [grade.flexible for grade in grades]
    assert found == verdicts(task, samples(folder, task, "flexible-extract"))
    assert 0 < sum(map(bool, found)) < ITEMS, "a comparison needs right and wrong answers"
