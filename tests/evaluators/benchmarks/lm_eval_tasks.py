"""lm-eval's own tasks over given rows and answers, in a process of its own: prompts, every filter's verdicts.

Given a folder of task files, it reads {"model": a folder with a tokenizer, "tasks": {name: [texts of one try,
...]}} and writes {name: {"prompts": [...], "verdicts": [{filter: [...]} of each try]}}, in the rows' order.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def ask_tasks(folder: Path, model: Path, tasks: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, Any]:
    """What lm-eval makes of the tasks whose files lie in `folder`, each with several tries of texts."""
    alone = {"HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, __file__, str(folder)],
        input=json.dumps({"model": str(model), "tasks": tasks}),
        env=os.environ | alone | {"HF_ALLOW_CODE_EVAL": "1", "OMP_NUM_THREADS": "1"},
        cwd=HERE,  # where lm-eval's code tasks find `code_eval`
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(folder: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    from types import SimpleNamespace

    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager, get_task_dict
    from transformers import AutoTokenizer

    reader = SimpleNamespace(tokenizer=AutoTokenizer.from_pretrained(wanted["model"]), chat_template_args={})

    def chat(messages: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        return HFLM.apply_chat_template(reader, messages, add_generation_prompt)

    manager = TaskManager(include_path=folder, include_defaults=False)
    tasks = get_task_dict([f"local_{name}" for name in wanted["tasks"]], manager)
    return {name: _answers(tasks[f"local_{name}"], tries, chat) for name, tries in wanted["tasks"].items()}


def _answers(task: Any, tries: Sequence[Sequence[str]], chat: Any) -> dict[str, Any]:
    task.build_all_requests(
        apply_chat_template=True, fewshot_as_multiturn=True, chat_template=chat, tokenizer_name="local"
    )
    prompts = [instance.args[0] for instance in task.instances]
    return {"prompts": prompts, "verdicts": [_verdicts(task, texts) for texts in tries]}


def _verdicts(task: Any, texts: Sequence[str]) -> dict[str, list[bool]]:
    for instance, text in zip(task.instances, texts, strict=True):
        instance.resps, instance.filtered_resps = [text], {}
    task.apply_filters()
    return {
        name: [_right(task.process_results(each.doc, [each.filtered_resps[name]])) for each in task.instances]
        for name in task.instances[0].filtered_resps
    }


def _right(metrics: Mapping[str, Any]) -> bool:
    (value,) = metrics.values()
    return bool(value)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.load(sys.stdin))))
