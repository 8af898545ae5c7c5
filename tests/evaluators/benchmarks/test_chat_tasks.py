"""Tasks as chat models are asked them: what stands in a prompt, what judges the answer, what is refused."""

import json
from pathlib import Path

import pytest

from evaluators.benchmarks import tasks
from evaluators.benchmarks.catalogue import BENCHMARKS, benchmark_of, grader_of, grader_version, verdicts_of
from evaluators.benchmarks.slices import SliceRequest, build_slices
from evaluators.benchmarks.tasks import ask
from evaluators.engines.reader import open_reader
from evaluators.errors import SliceError, TaskError
from tests.evaluators.benchmarks.chat_models import CHATML, TRIMMING, save_tokenizer
from tests.evaluators.benchmarks.test_tasks import GSM8K, HUMANEVAL, MATH, MBPP


@pytest.fixture
def chat(tmp_path: Path):
    return open_reader(save_tokenizer(tmp_path / "chatml", CHATML)).chat


def test_a_program_is_asked_for_and_begun_in_the_chat_model_s_own_turn(file, chat) -> None:
    asked = ask("humaneval_instruct", file(HUMANEVAL), None, chat=chat)
    program = 'def one():\n    """One."""\n'
    assert asked.items[0].prompt == (
        "<|im_start|>user\n"
        "Write a solution to the following problem and make sure that it passes the tests:\n"
        f"```python\n{program}\n```\n<|im_end|>\n"
        f"<|im_start|>assistant\nHere is the completed function:\n```python\n{program}\n"
    )
    assert asked.items[0].gold == "    return 1\n"
    assert asked.stop == ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
    assert asked.grader == "humaneval_instruct"


def test_without_a_template_the_answer_s_beginning_follows_the_question(file) -> None:
    asked = ask("humaneval_instruct", file(HUMANEVAL), None)
    assert asked.items[0].prompt.startswith("Write a solution to the following problem")
    assert asked.items[0].prompt.endswith(
        '```\nHere is the completed function:\n```python\ndef one():\n    """One."""\n\n'
    )


def test_examples_of_mbpp_are_turns_whose_answers_are_fenced(file, chat) -> None:
    asked = ask("mbpp_instruct", file(MBPP), None, chat=chat)
    prompt = asked.items[1].prompt
    assert prompt.count("<|im_start|>assistant\n\n```python\n") == 4
    assert prompt.count("\n```<|im_end|>\n") == 3
    assert prompt.endswith("assert add(2) == 3<|im_end|>\n<|im_start|>assistant\n\n```python\n")
    assert (asked.stop, asked.items[1].gold) == ((), "def add(k):\r\n    return k + 1\n```")


def test_a_gold_answer_begins_with_what_a_template_cut_off_the_prompt(file, tmp_path: Path) -> None:
    chat = open_reader(save_tokenizer(tmp_path / "trimming", TRIMMING)).chat
    program = ask("humaneval_instruct", file(HUMANEVAL), None, chat=chat).items[0]
    assert program.prompt.endswith('"""One."""')
    assert program.gold == "\n\n    return 1\n"
    block = ask("mbpp_instruct", file(MBPP), 0, chat=chat).items[0]
    assert (block.prompt[-9:], block.gold[:10]) == ("```python", "\ndef add(k")


def test_a_template_that_drops_the_answer_s_beginning_is_refused_in_one_line(file, tmp_path: Path) -> None:
    deaf = "{% for message in messages if message['role'] == 'user' %}{{ message['content'] }}{% endfor %}"
    chat = open_reader(save_tokenizer(tmp_path / "deaf", deaf)).chat
    with pytest.raises(TaskError) as caught:
        ask("mbpp_instruct", file(MBPP), 0, chat=chat)
    assert "deaf drops the answer's beginning" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("task", "stop"),
    [
        ("gsm8k_llama", ()),
        (
            "gsm8k_cot_llama",
            ("<|eot_id|>", "<|start_header_id|>user<|end_header_id|>", "Q:", "</s>", "<|im_end|>"),
        ),
    ],
)
def test_gsm8k_as_llama_is_asked_it_brings_eight_examples(file, chat, task: str, stop: tuple) -> None:
    asked = ask(task, file(GSM8K), None, chat=chat)
    assert len(asked.items) == 8
    assert asked.items[3].prompt.count("<|im_start|>assistant\n") == 9
    assert asked.items[3].prompt.count("The final answer is ") == 17  # 9 asked for, 8 given
    assert 'Problem: What is 3+1?\nYour response should end with "The final answer is [answer]"' in (
        asked.items[3].prompt
    )
    assert (asked.stop, asked.grader) == (stop, task)


@pytest.mark.parametrize("task", ["hendrycks_math", "hendrycks_math_algebra", "hendrycks_math500"])
def test_hendrycks_math_shows_and_wants_the_boxed_answer_alone(file, task: str) -> None:
    rows = [*MATH, {"problem": "Which?", "solution": r"All of $\boxed{[2,5]}$."}]
    asked = ask(task, file(rows[::-1]), 1)
    assert asked.items[0].prompt == "Problem: Which?\nAnswer: [2,5]\n\nProblem: Find $2+1$.\nAnswer:"
    assert (asked.items[0].gold, asked.stop, asked.grader) == (" 3", ("Problem:",), "hendrycks_math")
    assert ask(task, file(rows), None).items[3].gold == " [2,5]"


def test_a_solution_without_a_readable_answer_is_named_by_its_line(file) -> None:
    rows = [*MATH, {"problem": "p", "solution": r"It is \boxed{2."}]
    with pytest.raises(SliceError, match=r"line 4: field 'solution' boxes no answer that lm-eval can read"):
        ask("hendrycks_math500", file(rows), 0)


@pytest.mark.parametrize("task", ["humaneval", "humaneval_instruct", "hendrycks_math500"])
@pytest.mark.parametrize("hub", [False, True])
def test_no_question_of_a_single_split_is_shown_its_own_answer(
    file, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, hub: bool
) -> None:
    code = [
        {**HUMANEVAL[0], "prompt": f"def f{n}():\n", "test": f"def check(c):\n    assert c() == {n}"}
        for n in range(5)
    ]
    math = [{"problem": f"Find ${n}+1$.", "solution": f"$\\boxed{{{n + 1}}}$"} for n in range(5)]
    path = file(math if "math" in task else code)
    if hub:
        source = {"data_files": {"test": str(path)}, "cache_dir": str(tmp_path / "cache")}
        local = tasks.task_config(task) | {"dataset_path": "json", "dataset_name": None}
        monkeypatch.setattr(tasks, "task_config", lambda _: local | {"dataset_kwargs": source})
    asked = ask(task, None if hub else path, 2)
    own = [f"Find ${n}+1$" if "math" in task else f"def f{n}()" for n in range(5)]
    assert [item.index for item in asked.items] == [2, 3, 4]
    for item in asked.items:
        shown = [n for n in range(5) if own[n] in item.prompt]
        assert shown == [0, 1, item.index]
        once = 2 if task == "humaneval_instruct" else 1  # asked, and begun to be answered
        assert item.prompt.count(own[item.index]) == once


def test_the_filters_of_a_task_are_its_verdicts_and_the_first_is_the_usual_one() -> None:
    assert verdicts_of("gsm8k") == ("strict-match", "flexible-extract")
    assert verdicts_of("gsm8k_llama") == ("strict_match", "flexible_extract")
    assert verdicts_of("minerva_math500") == ()
    assert grader_of("gsm8k") == grader_of("gsm8k", "strict-match") == "gsm8k"
    assert grader_of("gsm8k", "flexible-extract") == "gsm8k:flexible-extract"
    assert grader_version("gsm8k:flexible-extract").startswith("gsm8k:flexible-extract/1 lm_eval==")


@pytest.mark.parametrize(
    ("task", "verdict", "reason"),
    [
        ("gsm8k", "flexible_extract", "has strict-match and flexible-extract; found 'flexible_extract'; did"),
        ("gsm8k_llama", "x", "'gsm8k_llama' has strict_match and flexible_extract; found 'x'"),
        ("minerva_math", "exact_match", "'minerva_math' has only one; leave it out (found 'exact_match')"),
        ("arc_challenge", "acc", "'arc_challenge' has only one; leave it out"),
        ("humaneval", "", "'humaneval' has only one; leave it out (found '')"),
    ],
)
def test_a_verdict_that_a_task_does_not_have_is_told_with_those_that_it_has(
    file, task: str, verdict: str, reason: str
) -> None:
    with pytest.raises(TaskError) as caught:
        ask(task, file(GSM8K), 0, verdict=verdict)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_verdict_is_other_evidence_and_the_usual_one_said_aloud_is_not(file) -> None:
    def digest(verdict: str | None) -> str:
        request = SliceRequest("sums", "gsm8k", file(GSM8K), 0, 4, 4, verdict=verdict)
        ((search,), _) = build_slices([request])
        return search.digest("e")

    assert digest(None) == digest("strict-match") != digest("flexible-extract")


def test_every_task_that_is_for_one_kind_of_model_names_that_of_the_other() -> None:
    for benchmark in BENCHMARKS.values():
        if benchmark.asks != "any":
            assert benchmark.counterpart is not None
            assert benchmark_of(benchmark.counterpart).asks != benchmark.asks


def test_rows_are_not_changed_by_what_is_derived_of_them(file) -> None:
    item = ask("hendrycks_math500", file(MATH), 0).items[0]
    assert item.doc == {"problem": "Find $0+1$.", "solution": "$\\boxed{1}$"}
    assert json.loads(json.dumps(item.doc)) == item.doc
