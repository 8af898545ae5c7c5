import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evaluators.benchmarks import tasks
from evaluators.benchmarks.catalogue import BENCHMARKS, benchmark_of, grader_version
from evaluators.benchmarks.definitions import load_definition
from evaluators.benchmarks.tasks import Questions, ask, examples
from evaluators.errors import SliceError, TaskError
from tests.evaluators.benchmarks import choice_docs

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


MBPP = [
    {
        "text": f"Write a function to add {n}.",
        "code": f"def add(k):\r\n    return k + {n}",
        "test_setup_code": "",
        "test_list": [f"assert add({k}) == {k + n}" for k in range(4)],
    }
    for n in range(3)
]


def test_mbpp_shows_its_three_examples_and_three_of_the_tests(file) -> None:
    asked = ask("mbpp", file(MBPP), None)
    assert asked.items[1].prompt.count("[BEGIN]") == 4
    assert asked.items[1].prompt.endswith(
        "\n[DONE]\n\nYou are an expert Python programmer, and here is your task: Write a function to add 1."
        " Your code should pass these tests:\n\n"
        "assert add(0) == 1\nassert add(1) == 2\nassert add(2) == 3\n[BEGIN]\n"
    )
    assert asked.stop == ("[DONE]",)
    assert asked.items[1].doc["test_list"][3] == "assert add(3) == 4"


def test_chains_of_thought_bring_eight_examples_or_are_asked_for_step_by_step(file) -> None:
    many = ask("gsm8k_cot", file(GSM8K), None)
    assert len(many.items) == 8
    assert many.items[3].prompt.count("The answer is") == 8
    assert many.items[3].prompt.endswith("\n\nQ: What is 3+1?\nA:")
    none = ask("gsm8k_cot_zeroshot", file(GSM8K), None)
    assert none.items[3].prompt == "Q: What is 3+1?\nA: Let's think step by step."
    assert (many.grader, none.grader) == ("gsm8k_cot", "gsm8k_cot_zeroshot")


def test_arc_asks_its_question_and_compares_the_texts_of_its_choices(file) -> None:
    docs = choice_docs.arc()
    asked = ask("arc_challenge", file(docs), None)
    one, doc = asked.items[4], docs[4]
    assert one.prompt == f"Question: {doc['question']}\nAnswer:"
    assert one.choices == tuple(f" {text}" for text in doc["choices"]["text"])
    assert one.right == doc["choices"]["label"].index(doc["answerKey"])
    assert one.gold == one.choices[one.right]
    assert (asked.grader, asked.scoring, asked.stop) == ("acc_norm", "choices", ())


def test_mmlu_shows_lettered_options_and_compares_the_letters(file) -> None:
    doc = {"question": " Which? ", "choices": ["a", "b", "c", "d"], "answer": 2}
    asked = ask("mmlu_anatomy", file([doc]), None)
    assert asked.items[0].prompt == (
        "The following are multiple choice questions (with answers) about anatomy.\n\n"
        "Which?\nA. a\nB. b\nC. c\nD. d\nAnswer:"
    )
    assert (asked.items[0].choices, asked.items[0].right) == ((" A", " B", " C", " D"), 2)
    assert asked.grader == "acc"


def test_rows_of_all_mmlu_are_asked_as_their_subject_asks_them(file) -> None:
    docs = choice_docs.mmlu("anatomy", "virology")
    whole = ask("mmlu", file(docs), 1)
    parts = {name: ask(f"mmlu_{name}", file(docs[i::2]), 1) for i, name in enumerate(("anatomy", "virology"))}
    assert [item.index for item in whole.items] == list(range(2, len(docs)))  # the first of each are examples
    for item in whole.items:
        subject = docs[item.index]["subject"]
        assert f"about {subject}" in item.prompt
        assert item.prompt in prompts(parts[subject])
    with pytest.raises(SliceError, match=r"line 1: field 'subject': lm-eval knows no task 'mmlu_anatomie'"):
        ask("mmlu", file(choice_docs.mmlu("anatomie")), 0)


def test_bbh_has_three_examples_of_its_own_and_a_choice_by_text_or_place(file) -> None:
    asked = ask("leaderboard_bbh_boolean_expressions", file(choice_docs.boolean()), None)
    assert asked.items[0].prompt.count("Q: ") == 4
    assert asked.items[0].choices == (" False", " True")
    counted = ask("leaderboard_bbh_object_counting", file([{"input": "n?", "target": "7"}]), 0)
    assert (counted.items[0].right, counted.items[0].gold) == (7, " 7")
    assert asked.grader == counted.grader == "acc_norm"


@pytest.mark.parametrize(
    ("task", "rows", "reason"),
    [
        (
            "mbpp",
            [{**MBPP[0], "test_list": ["assert 1"]}],
            "line 1: field 'test_list' holds 1 strings, but 3",
        ),
        (
            "mbpp",
            [{**MBPP[0], "test_list": "assert 1"}],
            "line 1: field 'test_list' must be a list of strings",
        ),
        (
            "mmlu_anatomy",
            [{"question": "q", "choices": list("abcd"), "answer": "C"}],
            "line 1: field 'answer'",
        ),
        ("mmlu_anatomy", [{"question": "q", "answer": 1}], "line 1: field 'choices' is missing"),
        (
            "arc_challenge",
            [{"question": "q", "choices": {"text": ["a", "b"], "label": ["A", "B"]}, "answerKey": "C"}],
            "line 1: field 'answerKey' is 'C'; the labels are A, B",
        ),
        (
            "arc_challenge",
            [{"question": "q", "choices": {"text": ["a", "b"], "label": ["A"]}, "answerKey": "A"}],
            "line 1: field 'choices' has a part 'label' that holds 1 strings, but 2 are needed",
        ),
        (
            "arc_challenge",
            [{"question": "q", "choices": ["a"], "answerKey": "A"}],
            "must be an object with the",
        ),
        (
            "leaderboard_bbh_boolean_expressions",
            [*choice_docs.boolean()[:3], {"input": "i", "target": "maybe"}],
            "line 4: the answer 'maybe' is none of the choices 'False', 'True'",
        ),
    ],
)
def test_rows_of_another_schema_are_named_by_line_and_field(file, task: str, rows: list, reason: str) -> None:
    with pytest.raises(SliceError) as caught:
        ask(task, file(rows), 0)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("task", "rows", "gold"),
    [
        ("gsm8k", GSM8K, " It is 1.\n#### 1"),
        ("gsm8k_cot", GSM8K, " 1"),
        ("minerva_math", MATH, " $\\boxed{1}$"),
        ("humaneval", HUMANEVAL, "    return 1\n"),
        ("mbpp", MBPP, "def add(k):\r\n    return k + 0\n[DONE]"),
    ],
)
def test_the_gold_answer_is_the_continuation_that_an_example_would_show(file, task: str, rows, gold) -> None:
    assert ask(task, file(rows), 0).items[0].gold == gold


def test_items_to_search_by_and_examples_come_from_a_file_of_their_own(file, tmp_path: Path) -> None:
    train = tmp_path / "train.jsonl"
    train.write_text(file(GSM8K).read_text())
    asked = ask("gsm8k", file(GSM8K[:3]), 2, train=train)
    assert [item.index for item in asked.items] == [0, 1, 2]
    assert [item.index for item in asked.train or ()] == [2, 3, 4, 5, 6, 7]
    assert all(item.prompt.startswith("Question: What is 0+1?") for item in asked.items)


@pytest.mark.parametrize("task", ["gsm8k", "mmlu"])
def test_an_empty_file_is_named(file, task: str) -> None:
    with pytest.raises(
        SliceError, match=r"items\.jsonl: holds no item; write one object a line with question"
    ):
        ask(task, file([]), 0)


def test_what_is_wrong_with_a_file_to_train_on_is_said_of_that_file(file, tmp_path: Path) -> None:
    train, docs = tmp_path / "train.jsonl", choice_docs.boolean()
    train.write_text(json.dumps({"input": "i", "target": "maybe"}) + "\n")
    with pytest.raises(SliceError, match=r"train\.jsonl line 1: the answer 'maybe' is none of the choices"):
        ask("leaderboard_bbh_boolean_expressions", file(docs), 0, train=train)
    train.write_text(json.dumps(GSM8K[0]) + "\n")
    with pytest.raises(SliceError, match=r"train\.jsonl: 1 rows, 2 wanted as examples"):
        ask("gsm8k", file(GSM8K), 2, train=train)


def test_an_unknown_task_is_answered_with_the_nearest_names() -> None:
    with pytest.raises(TaskError, match="no task 'gsm8'; did you mean 'gsm8k'"):
        benchmark_of("gsm8")


def test_a_task_of_lm_eval_without_a_grader_is_told_apart_from_an_unknown_one() -> None:
    with pytest.raises(TaskError, match=r"'hellaswag' of lm-eval has no grader here; graded tasks: gsm8k"):
        benchmark_of("hellaswag")


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("arc_chalenge", "did you mean 'arc_challenge'"),
        ("mmlu_anatomie", "did you mean 'mmlu_anatomy'"),
        (
            "leaderboard_bbh",
            "is a group of lm-eval's; give a task of it to each slice: leaderboard_bbh_boolean",
        ),
        ("mmlu_stem", "'mmlu_stem' of lm-eval has no grader here"),
        ("mbpp_plus", "'mbpp_plus' of lm-eval has no grader here"),
    ],
)
def test_presets_and_groups_are_among_the_nearest_names(task: str, message: str) -> None:
    with pytest.raises(TaskError) as caught:
        benchmark_of(task)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_math_without_data_names_the_parts_on_the_hub() -> None:
    with pytest.raises(TaskError, match=r"needs `data:`; the hub has its parts: minerva_math_algebra"):
        ask("minerva_math", None, None)


@pytest.mark.parametrize(
    ("task", "asked", "found"),
    [
        ("gsm8k", None, (5, None)),
        ("gsm8k", 0, (0, None)),
        ("gsm8k_cot", None, (8, 8)),
        ("minerva_math", None, (4, 4)),
        ("minerva_math", 1, (1, 4)),
        ("mbpp", None, (3, 3)),
        ("humaneval", None, (0, None)),
        ("mmlu", None, (0, None)),
    ],
)
def test_a_task_says_how_many_examples_it_has_and_could_have(task: str, asked: int | None, found) -> None:
    assert examples(task, asked) == found


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
    taken = shots if task == "gsm8k" else 0  # MATH brings examples of its own
    assert [item.index for item in asked.train or ()] == list(range(taken, len(rows)))
    assert set(asked.items[0].doc) == set(BENCHMARKS[asked.grader].schema)


def test_a_hub_that_cannot_be_reached_is_one_line(tmp_path: Path) -> None:
    code = """
from evaluators.errors import SliceError
from evaluators.benchmarks.tasks import ask
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
from evaluators.benchmarks.tasks import ask
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


def test_python_beside_a_definition_that_nobody_compiled_is_read_without_a_word(tmp_path: Path) -> None:
    """As lm-eval's of hendrycks_math, whose escapes Python warns of where pip did not compile them before."""
    (tmp_path / "utils.py").write_text('def answer(text): return text.replace("\\%", "")\n')
    (tmp_path / "own.yaml").write_text("task: own\nprocess_results: !function utils.answer\n")
    config = load_definition(tmp_path / "own.yaml", functions=True)
    assert config["process_results"]("5\\%") == "5"
