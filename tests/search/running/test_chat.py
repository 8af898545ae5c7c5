"""`crucible check` warns where models and the way that they are asked do not suit each other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from search.running.checking.chat import chat_warnings
from search.running.workshop import open_workshop
from search.study_file.spec import load_study
from tests.evaluators.benchmarks.chat_models import CHATML
from tests.evaluators.benchmarks.test_graders import MBPP
from tests.search.conftest import TINY, Outcome, small_study, write_study

DATA = {"gsm8k": "gsm8k.jsonl", "human": "code.jsonl", "mbpp": "mbpp.jsonl"}


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A study of one slice, some of whose models have a chat template."""

    def build(task: str, chat: bool, *templates: str) -> Path:
        monkeypatch.chdir(tmp_path)
        for name in templates:
            shutil.copytree(TINY / name, tmp_path / name)
            (tmp_path / name / "chat_template.jinja").write_text(CHATML)
        rows = [{**MBPP, "text": f"Double, {n}."} for n in range(8)]
        (tmp_path / "mbpp.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        data = next(file for start, file in DATA.items() if task.startswith(start))
        part = {"name": "s", "task": task, "data": data, "num_fewshot": 0, "search": 3, "holdout": 4}
        slices = [{**part, "chat_template": chat}]
        return write_study(tmp_path, small_study(slices=slices, budget={"trials": 200}))

    return build


@pytest.mark.parametrize(
    ("task", "chat", "templates", "warning"),
    [
        ("gsm8k", False, (), None),
        ("humaneval", False, (), None),
        ("gsm8k", True, ("base",), None),
        ("humaneval_instruct", True, ("base",), None),
        ("gsm8k", False, ("base",), "'gsm8k' is asked without it: write chat_template: true"),
        ("gsm8k_llama", False, ("base",), "is asked without it: write chat_template: true"),
        (
            "humaneval",
            False,
            ("base", "code"),
            "is asked without it: write chat_template: true, and ask humaneval_instruct",
        ),
        ("mbpp", True, ("base",), "cannot be read so: ask mbpp_instruct"),
        ("mbpp_instruct", False, (), "no model here has a chat template: ask mbpp"),
        ("gsm8k_cot_llama", False, (), "no model here has a chat template: ask gsm8k_cot"),
        ("gsm8k", False, ("math",), "slice 's': math has a chat template, but the base, whose"),
        (
            "mbpp_instruct",
            False,
            ("math", "code"),
            "slice 's': math, code have a chat template, but the base",
        ),
    ],
)
def test_a_slice_that_does_not_suit_the_models_is_named_with_the_remedy(
    study: Callable[..., Path], task: str, chat: bool, templates: tuple[str, ...], warning: str | None
) -> None:
    found = chat_warnings(open_workshop(load_study(study(task, chat, *templates))))
    assert len(found) == (warning is not None)
    for line in found:
        assert line.startswith("slice 's': ")
        assert str(warning) in line
        assert "\n" not in line


def test_check_tells_a_person_and_a_program(
    study: Callable[..., Path], crucible: Callable[..., Outcome]
) -> None:
    file = study("gsm8k", False, "base")
    (line,) = json.loads(crucible("check", file, "--json").out)["warnings"]
    assert line == (
        "slice 's': the base has a chat template, but task 'gsm8k' is asked without it: write"
        " chat_template: true"
    )
    done = crucible("check", file)
    assert f"  warning   {line}\n" in done.out
    assert (done.code, done.err) == (0, "")


def test_a_study_without_anything_odd_has_no_warning(
    study: Callable[..., Path], crucible: Callable[..., Outcome]
) -> None:
    file = study("gsm8k", False)
    assert json.loads(crucible("check", file, "--json").out)["warnings"] == []
    assert "warning" not in crucible("check", file).out
