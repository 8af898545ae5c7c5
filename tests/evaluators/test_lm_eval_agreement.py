"""lm-eval's own command line is the oracle: same weights, same items, float32, compared item by item."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from safetensors.torch import load_file

from evaluators.judge import judge
from evaluators.score import ItemResult
from evaluators.slices import Slice, SliceRequest, build_slices
from evaluators.transformers_engine import TransformersEngine
from tests.evaluators.lm_eval_cli import ask_lm_eval, verdicts

TASKS = {"gsm8k": "gsm8k.jsonl", "minerva_math": "math.jsonl"}
ITEMS, MAX_TOKENS = 48, 48


@pytest.fixture(scope="module")
def slices(tiny: Path) -> dict[str, Slice]:
    requests = [
        SliceRequest(task, task, tiny / data, 0, search=ITEMS, holdout=0, max_tokens=MAX_TOKENS)
        for task, data in TASKS.items()
    ]
    return {slice_.task: slice_ for slice_ in build_slices(requests)[0]}


@pytest.fixture(scope="module")
def theirs(
    tiny: Path, slices: Mapping[str, Slice], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict]]:
    """lm-eval's samples of both tasks, over the slices' own documents."""
    return ask_lm_eval(tiny / "base", list(slices.values()), tmp_path_factory.mktemp("lm_eval"))


@pytest.fixture(scope="module")
def ours(tiny: Path, slices: Mapping[str, Slice]) -> dict[str, list[ItemResult]]:
    engine = TransformersEngine(tiny / "base", dtype="float32")
    engine.load(load_file(tiny / "base" / "model.safetensors").items())
    found: dict[str, list[ItemResult]] = {task: [] for task in slices}
    for task, slice_ in slices.items():
        judge(engine, slice_, skip=(), deliver=found[task].extend)
    return found


@pytest.mark.parametrize("task", TASKS)
def test_prompts_are_those_of_lm_eval(task: str, slices, theirs) -> None:
    asked = [row["arguments"]["gen_args_0"]["arg_0"] for row in theirs[task]]
    assert [item.prompt for item in slices[task].items] == asked


@pytest.mark.parametrize("task", TASKS)
def test_texts_are_those_of_lm_eval(task: str, ours, theirs) -> None:
    assert [result.text for result in ours[task]] == [row["resps"][0][0] for row in theirs[task]]


@pytest.mark.parametrize("task", TASKS)
def test_verdicts_are_those_of_lm_eval(task: str, ours, theirs) -> None:
    found = [result.correct for result in ours[task]]
    assert found == verdicts(task, theirs[task])
    assert 0 < sum(found) < ITEMS, "a comparison needs right and wrong answers"
