"""`crucible grade`: answers made elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from search.commands.options import Json, Storage


def grade(
    task: Annotated[str, typer.Argument(help="gsm8k, minerva_math, humaneval, mbpp, ...", metavar="TASK")],
    data: Annotated[
        Path, typer.Option(help="The items: JSONL in the benchmark's own schema.", metavar="ITEMS.jsonl")
    ],
    completions: Annotated[
        Path,
        typer.Option(
            help='The answers: JSONL of {"item": 0-based line of the items, "completion": text}.',
            metavar="FILE.jsonl",
        ),
    ],
    verdict: Annotated[
        str | None,
        typer.Option(
            help="Another of the task's filters than its usual one: flexible-extract.", metavar="NAME"
        ),
    ] = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Grade answers that were made elsewhere: no study, so --storage is accepted but unused.

    A completion is graded as it is; an item may have several. Code is run in the sandbox.
    """
    from search.running.grade import grade as grade_completions

    graded = grade_completions(task, data, completions, verdict)
    print(json.dumps(graded.to_json()) if as_json else graded.to_text())
