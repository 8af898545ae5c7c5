"""Chat tasks under a chat template: the oracles are lm-eval's own tasks and its command line."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from evaluators.benchmarks.catalogue import grader_of, verdicts_of
from evaluators.benchmarks.graders import grade_by
from evaluators.benchmarks.items import Item
from evaluators.benchmarks.slices import Slice, SliceRequest, build_slices
from evaluators.benchmarks.tasks import ask
from evaluators.engines.reader import open_reader
from evaluators.engines.transformers import TransformersEngine
from evaluators.judge import ToAsk, judge
from evaluators.score import ItemResult
from tests.evaluators.benchmarks.chat_models import CHATML, TRIMMING, save_tokenizer
from tests.evaluators.benchmarks.lm_eval_cli import ask_lm_eval, samples, verdicts, write_task
from tests.evaluators.benchmarks.lm_eval_tasks import ask_tasks

Docs = list[dict[str, Any]]
REAL = {
    "gsm8k": "gsm8k_test.jsonl",
    "gsm8k_cot_llama": "gsm8k_test.jsonl",
    "gsm8k_llama": "gsm8k_test.jsonl",
    "hendrycks_math": "math500_first250.jsonl",
    "hendrycks_math500": "math500_first250.jsonl",
    "humaneval": "HumanEval.jsonl.gz",
    "humaneval_instruct": "HumanEval.jsonl.gz",
}
"""mbpp and mbpp_instruct are asked of the same questions, as MBPP would have them."""
MOST = {"gsm8k_test.jsonl": 300, "math500_first250.jsonl": 250, "HumanEval.jsonl.gz": 40}
"""How many of the questions: thousands of programs take minutes."""
TASKS = (*REAL, "mbpp", "mbpp_instruct")
SHOTS = {"gsm8k": 3, "hendrycks_math500": 2, "humaneval_instruct": 1, "mbpp_instruct": 3, "gsm8k_llama": 8}
"""Tasks that are asked with examples; the first rows of the file where the task brings none of its own."""
FROM_FILE = {"gsm8k", "hendrycks_math500", "humaneval_instruct"}


def number(doc: Mapping[str, Any]) -> str:
    return str(doc["answer"]).rpartition("#### ")[2]


SAYINGS: Mapping[str, Sequence[Callable[[Mapping[str, Any]], str]]] = {
    "gsm8k": (
        lambda doc: str(doc["answer"]),
        lambda doc: f"The final answer is {number(doc)}",
        lambda doc: f"So it is $\\boxed{{{number(doc)}}}$.",
        lambda doc: f"The final answer is ${number(doc)}. No, 7!",
        lambda doc: "The final answer is unknown",
    ),
    "hendrycks_math": (
        lambda doc: str(doc["answer"]),
        lambda doc: f"So $x$ it is: ${doc['answer']}$.",
        lambda doc: f"${doc['answer']}$",
        lambda doc: f"$ {doc['answer'].replace('frac', 'dfrac')} $",
        lambda doc: str(doc["solution"]),
        lambda doc: f"{doc['answer']} $",
    ),
    "humaneval": (
        lambda doc: f"{doc['canonical_solution']}```\nThis is why.",
        lambda doc: str(doc["canonical_solution"]),
        lambda doc: f"```python\n{doc['prompt']}{doc['canonical_solution']}```",
        lambda doc: f"{doc['canonical_solution']}\nThat is all.\n```",
        lambda doc: "    pass\n```",
    ),
    "mbpp": (
        lambda doc: f"{doc['code']}\n```\nThis is why.",
        lambda doc: str(doc["code"]),
        lambda doc: f"```python\n{doc['code']}\n```",
        lambda doc: f"Here it is:\n```python\n{doc['code']}\n```",
        lambda doc: f"\n{doc['code']}```{doc['code']}",
    ),
}
"""Ways to say what is right, or nearly so, by the beginning of a task's name."""


def rows(path: Path) -> Docs:
    raw = path.read_bytes()
    text = gzip.decompress(raw) if path.suffix == ".gz" else raw
    return [json.loads(line) for line in text.splitlines()]


def programs(docs: Docs) -> Docs:
    """HumanEval's questions in MBPP's schema: three asserts that hold of the solution, or not."""
    return [
        {
            "text": f"Write the function {doc['entry_point']}.",
            "code": f"{doc['prompt']}{doc['canonical_solution']}".replace("\n", "\r\n" if n % 2 else "\n"),
            "test_setup_code": "",
            "test_list": [f"assert {doc['entry_point']}.__name__", "assert True", f"assert {n} % 5"],
        }
        for n, doc in enumerate(docs)
    ]


def said(task: str, docs: Docs) -> list[list[str]]:
    """Several tries at all questions: what is right in every way to say it, then what is right of another."""
    ways = next(ways for name, ways in SAYINGS.items() if task.startswith(name))
    others = docs[1:] + docs[:1]
    return [[say(doc) for doc in docs] for say in ways] + [[ways[0](doc) for doc in others]]


@pytest.fixture(scope="module")
def docs(benchmark_data: Path) -> dict[str, Docs]:
    found = {task: rows(benchmark_data / name)[: MOST[name]] for task, name in REAL.items()}
    few = programs(found["humaneval"])
    return {**found, "mbpp": few, "mbpp_instruct": few}


@pytest.fixture(scope="module", params=["chatml", "trimming"])
def reader_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    template = {"chatml": CHATML, "trimming": TRIMMING}[request.param]
    return save_tokenizer(tmp_path_factory.mktemp(request.param), template)


@pytest.fixture(scope="module")
def theirs(
    reader_folder: Path, docs: dict[str, Docs], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("tasks")
    tries = {}
    for task in TASKS:
        first = {"fewshot_config": {"sampler": "first_n"}} if task in FROM_FILE else {}
        write_task(folder, task, docs[task], num_fewshot=SHOTS.get(task, 0), **first)
        tries[task] = said(task, docs[task]) if reader_folder.name.startswith("chatml") else []
    return ask_tasks(folder, reader_folder, tries)


@pytest.mark.parametrize("task", TASKS)
def test_prompts_of_real_questions_are_those_of_lm_eval(
    task: str, docs: dict[str, Docs], reader_folder: Path, theirs: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text("".join(json.dumps(doc) + "\n" for doc in docs[task]))
    asked = ask(task, file, SHOTS.get(task, 0), chat=open_reader(reader_folder).chat)
    taken = SHOTS[task] if task in FROM_FILE else 0
    assert [item.index for item in asked.items] == list(range(taken, len(docs[task])))
    assert [item.prompt for item in asked.items] == theirs[task]["prompts"][taken:]


@pytest.mark.parametrize("reader_folder", ["chatml"], indirect=True)
@pytest.mark.parametrize("task", TASKS)
def test_verdicts_on_many_ways_to_answer_are_those_of_lm_eval(
    task: str, docs: dict[str, Docs], theirs: dict[str, Any]
) -> None:
    items = [Item(index, "", doc) for index, doc in enumerate(docs[task])]
    for verdict in verdicts_of(task) or (None,):
        grader = grader_of(task, verdict)
        right = 0
        for texts, found in zip(said(task, docs[task]), theirs[task]["verdicts"], strict=True):
            grades = grade_by(grader, items, texts)
            assert [grade.correct for grade in grades] == found[verdict or "none"]
            right += sum(grade.correct for grade in grades)
        assert 0 < right < len(items) * len(texts), "a comparison needs right and wrong answers"


ITEMS, MAX_TOKENS = 16, 48
SHIPPED = {
    "gsm8k": "gsm8k.jsonl",
    "gsm8k_cot_llama": "gsm8k.jsonl",
    "gsm8k_llama": "gsm8k.jsonl",
    "hendrycks_math500": "math.jsonl",
    "humaneval_instruct": "code.jsonl",
    "mbpp_instruct": "mbpp.jsonl",
}


@pytest.fixture(scope="module")
def checkpoint(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with a chat template."""
    folder = tmp_path_factory.mktemp("chat") / "model"
    shutil.copytree(tiny / "gsm8k", folder)
    (folder / "chat_template.jinja").write_text(CHATML)
    return folder


@pytest.fixture(scope="module")
def engine(checkpoint: Path) -> Iterator[TransformersEngine]:
    engine = TransformersEngine(checkpoint, dtype="float32")
    engine.load(load_file(checkpoint / "model.safetensors").items())
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def slices(tiny: Path, checkpoint: Path, engine: TransformersEngine, folder: Path) -> dict[str, Slice]:
    (folder / "mbpp.jsonl").write_text(
        "".join(json.dumps(doc) + "\n" for doc in programs(rows(tiny / "code.jsonl"))[:40])
    )
    made: dict[str, Slice] = {}
    for task, name in SHIPPED.items():
        data = (folder if task == "mbpp_instruct" else tiny) / name
        verdict = "flexible-extract" if task == "gsm8k" else None
        request = SliceRequest(task, task, data, 0, ITEMS, 0, max_tokens=MAX_TOKENS, chat=checkpoint)
        made[task] = build_slices([replace(request, verdict=verdict)])[0][0]
    return made | {"gsm8k": _some_right(made["gsm8k"], engine)}


def _some_right(slice_: Slice, engine: TransformersEngine) -> Slice:
    """Every other gold answer is the last number that the model says to the item."""
    texts = engine.generate([item.prompt for item in slice_.items], slice_.stop, slice_.max_tokens)
    last = [(re.findall(r"\d+", completion.text) or ["0"])[-1] for completion in texts]
    golds = [f"#### {last[n]}" if n % 2 else str(item.doc["answer"]) for n, item in enumerate(slice_.items)]
    docs = [item.doc | {"answer": gold} for item, gold in zip(slice_.items, golds, strict=True)]
    return replace(
        slice_,
        items=tuple(replace(item, doc=doc) for item, doc in zip(slice_.items, docs, strict=True)),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lm_eval")


@pytest.fixture(scope="module")
def asked(checkpoint: Path, slices: Mapping[str, Slice], folder: Path) -> dict[str, list[dict[str, Any]]]:
    """lm-eval's samples of all tasks, by its command line."""
    return ask_lm_eval(checkpoint, list(slices.values()), folder, chat=True)


@pytest.fixture(scope="module")
def ours(engine: TransformersEngine, slices: Mapping[str, Slice]) -> dict[str, list[ItemResult]]:
    found: dict[str, list[ItemResult]] = {task: [] for task in slices}
    for task, slice_ in slices.items():
        judge(engine, [ToAsk(slice_, found[task].extend)])
    return found


@pytest.mark.parametrize("task", SHIPPED)
def test_the_command_line_asks_hears_and_judges_the_same(
    task: str, slices: Mapping[str, Slice], ours: Any, asked: Any, folder: Path
) -> None:
    part, found = slices[task], asked[task]
    assert [item.prompt for item in part.items] == [row["arguments"]["gen_args_0"]["arg_0"] for row in found]
    assert [result.text for result in ours[task]] == [row["resps"][0][0] for row in found]
    verdict = part.grader.partition(":")[2]
    if verdict:
        found = samples(folder, task, verdict)
        assert 0 < sum(result.correct for result in ours[task]) < ITEMS
    assert [result.correct for result in ours[task]] == verdicts(task, found)
