"""The `crucible` command.

Exit codes: 0 done · 1 something broke (an engine, a bug) · 2 something to put right, said in one line ·
130, 143 ended by Ctrl-C or SIGTERM, with everything measured kept.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

HELP = """Search for the best way to merge language-model experts, and prove that it is better.

  crucible demo                     watch it work on tiny experts (minutes, no GPU)
  crucible check study.yaml         is this study sound? nothing is run
  crucible run study.yaml           search; run it again to continue
  crucible leaderboard NAME         who is best on holdout items, with intervals
  crucible export NAME --out DIR    the best merge, for mergekit or as a checkpoint
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Storage = Annotated[
    str | None,
    typer.Option(
        help="Database URL of the study store, e.g. sqlite:///crucible.db or postgresql+psycopg://host/db."
        " Wins over the study file; by default sqlite:///crucible.db in the working directory.",
        metavar="URL",
        show_default=False,
    ),
]
StudyFile = Annotated[
    Path, typer.Argument(help="A study file; see examples/tiny/study.yaml.", metavar="STUDY.yaml")
]
StudyName = Annotated[str, typer.Argument(help="A study's name, as its file says.", metavar="STUDY")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to standard output.")]
AllowPickle = Annotated[
    bool,
    typer.Option(
        "--allow-pickle",
        help="Read pickled weights (.bin), too, as weights only: no code in them is run.",
    ),
]
Trial = Annotated[
    int | None, typer.Option(help="This trial instead of the best candidate.", show_default=False)
]


def main() -> None:
    """Run the command line; errors that the user can put right are one line and exit code 2."""
    _open_streams()
    logging.basicConfig(format="crucible: %(message)s", level=logging.WARNING, stream=sys.stderr)
    try:
        app()
    except ValueError as error:
        if not _is_users(error):
            raise
        _exit(f"crucible: {_one_line(error)}", 2)
    except RuntimeError as error:
        if not _is_engines(error):
            raise
        _exit(f"crucible: {_one_line(error)}", 1)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the study store and the results.")] = Path(
        "crucible-demo"
    ),
    storage: Storage = None,
) -> None:
    """Search for the best merge of three tiny experts, judge it on holdout items, and export it.

    Writes crucible-demo/ with the study store, the best merge as mergekit's YAML and as a checkpoint.
    Run again, it goes on where it stopped.
    """
    from search.demo import run_demo

    with _resumable(_command()):
        run_demo(out, storage)


@app.command()
def check(study: StudyFile, storage: Storage = None, as_json: Json = False) -> None:
    """Check a study before it is run: models, items, search space and storage. Nothing is measured."""
    from search.check import check_study
    from search.spec import load_study

    report = check_study(spec := load_study(study), storage or spec.storage)
    print(json.dumps(report.to_json()) if as_json else report.to_text())


@app.command()
def run(
    study: StudyFile,
    trials: Annotated[
        int | None,
        typer.Option(min=1, help="Trials in all, those of earlier runs included.", show_default=False),
    ] = None,
    hours: Annotated[
        float | None, typer.Option(min=0.0, help="Hours that this run may search.", show_default=False)
    ] = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Search for the best merge, and judge the best ones on holdout items.

    The same command continues a study that was interrupted, however it was: what was measured is kept and
    not measured again. --trials and --hours win over the study file's budget.
    """
    from search.display import Display
    from search.run import run_study
    from search.spec import load_study
    from search.tables import console, show_leaderboard

    spec = load_study(study)
    url = storage or spec.storage
    with _resumable(_command()):
        rows = run_study(
            spec, url, Display(console(stderr=as_json), spec.objective), trials=trials, hours=hours
        )
    if as_json:
        print(json.dumps([row.to_json() for row in rows]))
    else:
        show_leaderboard(rows, spec.name)
        option = f" --storage {shlex.quote(url)}" if url != "sqlite:///crucible.db" else ""
        print(f"\nNext: crucible export {shlex.quote(spec.name)} --out DIR{option}")
        print("      (--format mergekit, recipe or checkpoint)")


@app.command()
def status(
    study: Annotated[
        str | None, typer.Argument(help="Only this study.", metavar="[STUDY]", show_default=False)
    ] = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """List the studies in a store: state, trials done and failed, when last active."""
    from search.status import list_studies
    from search.tables import show_status

    studies = list_studies(_url(storage), study)
    if as_json:
        print(json.dumps([each.to_json() for each in studies]))
    else:
        show_status(studies)


@app.command()
def leaderboard(study: StudyName, storage: Storage = None, as_json: Json = False) -> None:
    """Rank a study's candidates by their holdout items, with 95% intervals for what was gained."""
    from search.tables import show_leaderboard
    from studies.leaderboard import build_leaderboard
    from studies.store import StudyStore

    with StudyStore(_url(storage), create=False) as store:
        rows = build_leaderboard(store, study)
    if as_json:
        print(json.dumps([row.to_json() for row in rows]))
    else:
        show_leaderboard(rows, study)


@app.command()
def items(
    study: StudyName,
    trial: Trial = None,
    candidate: Annotated[
        str | None,
        typer.Option(help="This candidate: base, uniform, an expert's name.", show_default=False),
    ] = None,
    slice_: Annotated[
        str | None, typer.Option("--slice", help="Items of this slice.", show_default=False)
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Items that judge or items that steer; by default holdout if asked, else search.",
            metavar="search|holdout",
            show_default=False,
        ),
    ] = None,
    versus: Annotated[
        str | None,
        typer.Option(
            help="Only what this other candidate (or trial number) answered differently.",
            metavar="NAME|N",
            show_default=False,
        ),
    ] = None,
    wrong: Annotated[bool, typer.Option("--wrong", help="Only what was answered wrongly.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.", show_default=False)] = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Show what a candidate answered to each item: verdict, text, tokens, seconds.

    With --versus, what two candidates answered differently, and how often which of them was right.
    """
    from search.items import Asked, find_items

    asked = Asked(study, trial, candidate, slice_, split, versus, wrong)
    found = find_items(_url(storage), asked, limit)
    print(json.dumps(found.to_json()) if as_json else "\n".join(found.to_text()))


@app.command()
def export(
    study: StudyName,
    out: Annotated[Path, typer.Option(help="Folder to write into; new or empty.")],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="mergekit: merge.yaml in its dialect; recipe: recipe.yaml; checkpoint: the merged model.",
            metavar="recipe|mergekit|checkpoint",
        ),
    ] = "mergekit",
    trial: Trial = None,
    storage: Storage = None,
) -> None:
    """Write the best candidate of a study (or one trial) where you can use it."""
    from search.export import export_best

    with _resumable(_command()):
        row, written = export_best(_url(storage), study, out, form, trial)
    print(f"{row.name} ({row.digest[:12]}) -> {written}")


@app.command()
def merge(
    config: Annotated[
        Path, typer.Argument(help="A merge config: mergekit's YAML, or a recipe.", metavar="CONFIG.yaml")
    ],
    out: Annotated[Path, typer.Argument(help="Folder for the checkpoint; new or empty.", metavar="OUT_DIR")],
    compat: Annotated[
        str | None,
        typer.Option(
            help="Compute as mergekit 0.1.5 does, in the file's dtype and with its roundings.",
            metavar="mergekit",
            show_default=False,
        ),
    ] = None,
    allow_pickle: AllowPickle = False,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Merge once, from a config file to a checkpoint: no study, so --storage is accepted but unused.

    Models may be folders or hub ids, LoRA adapters of the base (by their folder, or as MODEL+ADAPTER), and of
    vocabularies that differ, where the file gives a tokenizer_source.
    """
    gc.disable()  # a merge leaves no cycles; looking for them among what torch imports is a tenth of its time
    from search.merge import merge as merge_config

    with _resumable(_command(), "Nothing was written"):
        merged = merge_config(config, out, compat, allow_pickle, quiet=as_json)
    gc.freeze()  # nor does the way out look
    _say(json.dumps(merged.to_json()) if as_json else f"{config} -> {merged.to_text()}")


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="A model folder, or a hub id.", metavar="MODEL")],
    study: StudyFile,
    allow_pickle: AllowPickle = False,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Ask any model a study's items, exactly as the study asks its candidates.

    A LoRA adapter is asked on top of the study's base model.
    """
    from search.evaluate import evaluate as evaluate_model
    from search.spec import load_study
    from search.tables import show_evaluation

    spec = load_study(study)
    with _resumable(_command()):
        result = evaluate_model(model, spec, storage or spec.storage, allow_pickle)
    if as_json:
        print(json.dumps(result.to_json()))
    else:
        show_evaluation(result)


@app.command()
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
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Grade answers that were made elsewhere: no study, so --storage is accepted but unused.

    A completion is graded as it is; an item may have several. Code is run in the sandbox.
    """
    from search.grade import grade as grade_completions

    graded = grade_completions(task, data, completions)
    print(json.dumps(graded.to_json()) if as_json else graded.to_text())


def _url(storage: str | None) -> str:
    from search.spec import DEFAULT_STORAGE

    return storage or DEFAULT_STORAGE


def _command() -> str:
    """The command as it was typed."""
    return shlex.join(["crucible", *sys.argv[1:]])


def _resumable(command: str, kept: str = "Everything measured is kept") -> Any:
    """A context in which an interruption ends the process cleanly, and says what is left and how to go on."""
    from contextlib import contextmanager

    from search.interrupt import Interrupted, interruptible

    @contextmanager
    def context() -> Any:
        try:
            with interruptible():
                yield
        except Interrupted as signal:
            _exit(f"\nStopped by {signal}. {kept}; to go on: {command}", signal.exit_code)

    return context()


def _is_users(error: ValueError) -> bool:
    from evaluators.errors import EvaluatorsError
    from merging.errors import MergingError
    from search.errors import SearchError
    from studies.errors import StudiesError

    return isinstance(error, SearchError | MergingError | EvaluatorsError | StudiesError)


def _is_engines(error: RuntimeError) -> bool:
    from evaluators.errors import EngineError

    return isinstance(error, EngineError)


def _open_streams() -> None:
    """Give a process without standard output or error one that goes nowhere: libraries write to them."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for as long as it runs


def _one_line(error: Exception) -> str:
    """Names of files may hold what ends a line."""
    return str(error).replace("\r", "\\r").replace("\n", "\\n")


def _say(text: str) -> None:
    """Print what came of it; a disk that is full, or a reader that is gone, is no reason for a traceback."""
    try:
        print(text, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python would try again on its way out
        _exit(f"crucible: done, but standard output cannot be written to ({error.strerror}): {text}", 1)


def _exit(message: str, code: int) -> None:
    print(message, file=sys.stderr)
    sys.exit(code)
