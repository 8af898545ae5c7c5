"""`crucible evaluate`: any model on a study's items."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from search.commands.options import AllowPickle, Json, Storage, StudyFile, resumable, typed


def evaluate(
    model: Annotated[str, typer.Argument(help="A model folder, or a hub id.", metavar="MODEL")],
    study: StudyFile,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep",
            help="Make the model a candidate of the study: leaderboards show it, fusions may choose it.",
        ),
    ] = False,
    allow_pickle: AllowPickle = False,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Ask any model a study's items, exactly as the study asks its candidates.

    A LoRA adapter is asked on top of the study's base model. The model may be of another family than the
    study's: it is asked in its own chat template, and its answers end at its own stop tokens.
    """
    from search.running.evaluate import evaluate as evaluate_model
    from search.showing.evaluation import show_evaluation
    from search.study_file.spec import load_study

    spec = load_study(study)
    with resumable(typed()):
        result = evaluate_model(model, spec, storage or spec.storage, allow_pickle, keep)
    if as_json:
        print(json.dumps(result.to_json()))
    else:
        show_evaluation(result, spec.name)
