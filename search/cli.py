"""The `crucible` command.

Exit codes: 0 done · 1 something broke (an engine, a bug) · 2 something to put right, said in one line ·
3 ended because `crucible stop` asked for it · 75 an engine hung in a process that could not begin anew: the
same command goes on · 130, 143 ended by Ctrl-C or SIGTERM. Everything measured is kept, whichever it is.
"""

from __future__ import annotations

import logging
import os
import sys

import typer

from search.commands import (
    align,
    check,
    demo,
    evaluate,
    export,
    families,
    fuse,
    grade,
    items,
    leaderboard,
    merge,
    run,
    status,
    watch,
)
from search.commands.options import leave
from search.commands.serving import dashboard, serve, submit
from search.commands.telling import plot, report
from search.commands.working import wishes, worker
from search.signals.logs import configure_logs

HELP = """Search for the best way to merge language-model experts, and prove that it is better.

\b
  crucible demo                     watch it work on tiny experts (minutes, no GPU)
  crucible check study.yaml         is this study sound? nothing is run
  crucible run study.yaml           search; run it again to continue
  crucible worker study.yaml        work on it, too, from another machine
  crucible dashboard                watch it in a browser
  crucible leaderboard NAME         who is best on holdout items, with intervals
  crucible report NAME --out FILE   question, verdict, plots and recipe, in one page
  crucible export NAME --out DIR    the best merge, for mergekit or as a checkpoint
  crucible families MODEL...        which models can be merged, and which only fused
  crucible fuse fusion.yaml         different architectures: the evidence chooses who learns from whom
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

COMMANDS = (
    demo.demo,
    check.check,
    run.run,
    worker.worker,
    wishes.pause,
    wishes.resume,
    wishes.stop,
    status.status,
    watch.watch,
    leaderboard.leaderboard,
    items.items,
    export.export,
    report.report,
    plot.plot,
    merge.merge,
    evaluate.evaluate,
    families.families,
    align.align,
    fuse.fuse,
    grade.grade,
    dashboard.dashboard,
    serve.serve,
    submit.submit,
)

for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Run the command line; errors that the user can put right are one line and exit code 2."""
    _open_streams()
    configure_logs("text")
    logging.basicConfig(format="crucible: %(message)s", level=logging.WARNING, stream=sys.stderr)
    try:
        app()
    except ValueError as error:
        if not _is_users(error):
            raise
        leave(f"crucible: {_one_line(error)}", 2)
    except RuntimeError as error:
        if not _is_engines(error):
            raise
        leave(f"crucible: {_one_line(error)}", 1)


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
