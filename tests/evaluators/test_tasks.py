import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evaluators import tasks
from evaluators.benchmarks import BENCHMARKS, benchmark_of, grader_version
from evaluators.errors import SliceError, TaskError
from evaluators.tasks import Questions, ask

GSM8K = [{"question": f"What is {n}+1?", "answer": f"It is {n + 1}.\n#### {n + 1}"} for n in range(8)]
MATH = [{"problem": f"Find ${n}+1$.", "solution": f"$\\boxed{{{n + 1}}}$", "level": n} for n in range(3)]
HUMANEVAL = [
    {
        "task_id": "T/0",
        "prompt": 'def one():\n    """One."""\n',
        "entry_point": "one",
        "canonical_solution": "    return 1\n",
        "test": "def check(candidate):\n    assert candidate() == 1\n",
    }
]


@pytest.fixture
def file(tmp_path: Path):
    def write(rows: list[dict]) -> Path:
        path = tmp_path / "items.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def prompts(asked: Questions) -> tuple[str, ...]:
    return tuple(item.prompt for item in asked.items)


def test_gsm8k_zero_shot_is_question_and_answer_cue(file) -> None:
    asked = ask("gsm8k", file(GSM8K), 0)
    assert prompts(asked)[3] == "Question: What is 3+1?\nAnswer:"
    assert asked.stop == ("Question:", "</s>", "<|im_end|>")
    assert asked.grader == "gsm8k"


def test_gsm8k_takes_its_examples_from_the_first_rows_which_then_are_no_items(file) -> None:
    asked = ask("gsm8k", file(GSM8K), None)
    assert [item.index for item in asked.items] == [5, 6, 7]
    shot = "Question: What is 0+1?\nAnswer: It is 1.\n#### 1\n\nQuestion: What is 1+1?"
    assert prompts(asked)[0].startswith(shot)
    assert prompts(asked)[0].endswith("#### 5\n\nQuestion: What is 5+1?\nAnswer:")
    assert {prompt.count("####") for prompt in prompts(asked)} == {5}


@pytest.mark.parametrize("task", ["minerva_math", "minerva_math_algebra", "minerva_math500"])
def test_math_brings_its_own_examples(file, task: str) -> None:
    asked = ask(task, file(MATH), None)
    assert len(prompts(asked)) == 3
    assert prompts(asked)[0].count("I hope it is correct.") == 4
    assert prompts(asked)[2].endswith("\n\nProblem:\nFind $2+1$.\n\nSolution:")
    assert asked.stop == ("Problem:",)


def test_humaneval_is_asked_with_its_bare_prompt(file) -> None:
    asked = ask("humaneval", file(HUMANEVAL), None)
    assert prompts(asked) == ('def one():\n    """One."""\n',)
    assert asked.stop == ("\nclass", "\ndef", "\n#", "\nif", "\nprint")


def test_an_unknown_task_is_answered_with_the_nearest_names() -> None:
    with pytest.raises(TaskError, match="no task 'gsm8'; did you mean 'gsm8k'"):
        benchmark_of("gsm8")


def test_a_task_of_lm_eval_without_a_grader_is_told_apart_from_an_unknown_one() -> None:
    with pytest.raises(TaskError, match=r"'hellaswag' of lm-eval has no grader here; graded tasks: gsm8k"):
        benchmark_of("hellaswag")


def test_math_without_data_names_the_parts_on_the_hub() -> None:
    with pytest.raises(TaskError, match=r"needs `data:`; the hub has its parts: minerva_math_algebra"):
        ask("minerva_math", None, None)


def test_more_examples_than_there_are_is_an_error(file) -> None:
    with pytest.raises(TaskError, match="num_fewshot is 5; write a number from 0 to 4"):
        ask("minerva_math", file(MATH), 5)
    with pytest.raises(TaskError, match="num_fewshot is -1"):
        ask("gsm8k", file(GSM8K), -1)
    with pytest.raises(SliceError, match="8 rows, 8 wanted as examples, leave no item"):
        ask("gsm8k", file(GSM8K), 8)


@pytest.mark.parametrize(
    ("task", "rows", "shots", "prompt"),
    [
        ("gsm8k", GSM8K, 2, "Question: What is 2+1?\nAnswer:"),
        ("minerva_math_algebra", MATH, 4, "Problem:\nFind $2+1$.\n\nSolution:"),
    ],
)
def test_a_dataset_of_the_hub_is_asked_as_lm_eval_loads_it(
    file,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    rows: list[dict],
    shots: int,
    prompt: str,
) -> None:
    path = str(file(rows))
    usual = tasks.task_config(task)
    source = {"data_files": {"train": path, "test": path}, "cache_dir": str(tmp_path / "cache")}
    local = usual | {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": source}
    monkeypatch.setattr(tasks, "task_config", lambda _: local)
    asked = ask(task, None, shots)
    assert [item.index for item in asked.items] == list(range(len(rows)))
    assert prompts(asked)[2].endswith(prompt)
    assert prompts(asked)[2].count(prompt.partition("\n")[0].partition(" ")[0]) == shots + 1
    assert set(asked.items[0].doc) == set(BENCHMARKS[asked.grader].schema)


def test_a_hub_that_cannot_be_reached_is_one_line(tmp_path: Path) -> None:
    code = """
from evaluators.errors import SliceError
from evaluators.tasks import ask
try:
    ask("gsm8k", None, 0)
except SliceError as error:
    print(error)
"""
    offline = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | offline, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("cannot load dataset openai/gsm8k (")
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_building_prompts_says_nothing_and_writes_nothing(file, tmp_path: Path) -> None:
    home = tmp_path / "home"
    code = """
import sys
from pathlib import Path
from evaluators.tasks import ask
ask("minerva_math", Path(sys.argv[1]), 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(file(MATH))],
        env=os.environ | {"HF_HOME": str(home), "HOME": str(home)},
        capture_output=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"", b"")
    assert not home.exists()


def test_a_grader_version_names_the_libraries_behind_it() -> None:
    assert grader_version("minerva_math").startswith("minerva_math/1 lm_eval==0.4.")
    assert "math-verify==" in grader_version("minerva_math")
