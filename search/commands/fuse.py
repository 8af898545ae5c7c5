"""`crucible fuse`: models of different architectures become one."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from search.commands.options import Json, Storage, resumable, typed

if TYPE_CHECKING:
    from search.study_file.fusion import FusionSpec


def fuse(
    fusion: Annotated[Path, typer.Argument(help="A fusion file; see docs/fusion.md.", metavar="FUSION.yaml")],
    plan: Annotated[
        bool,
        typer.Option(
            "--plan",
            help="Only decide who becomes the target and who its sources, by the evidence in the store, and"
            " show why.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for distributions and models; by default crucible-fusion/NAME.", show_default=False
        ),
    ] = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    """Fuse searched families, and models beside them, into one model: the evidence decides into which.

    The target learns from what its sources say of instructions with their responses; what it became is judged
    beside everything else on holdout items that selected nothing. The same command continues a fusion that
    was interrupted, however it was.
    """
    from search.study_file.fusion import load_fusion

    spec = load_fusion(fusion)
    url = storage or spec.storage
    if plan:
        _plan(spec, url, as_json)
    else:
        _run(spec, url, out or Path("crucible-fusion") / spec.name, as_json)


def _plan(spec: FusionSpec, url: str, as_json: bool) -> None:
    from search.fusing.plan import keep_plan, make_plan
    from search.showing.selection import show_selection
    from studies.store import StudyStore

    with StudyStore(url, create=False) as store:
        made = make_plan(spec, store)
        keep_plan(made, store)
    if as_json:
        print(json.dumps(made.to_json()))
    else:
        show_selection(made.selection, spec.name)


def _run(spec: FusionSpec, url: str, out: Path, as_json: bool) -> None:
    from search.fusing.fuse import run_fusion
    from search.showing.display import Display
    from search.showing.stage import Stages
    from search.showing.tables import console, show_leaderboard

    shown = console(stderr=as_json)
    with resumable(typed(), "Everything done so far is kept"):
        outcome = run_fusion(spec, url, out, Stages(shown), Display(shown))
    if as_json:
        print(json.dumps(outcome.to_json()))
        return
    show_leaderboard(outcome.rows, spec.name)
    print(f"\n{outcome.to_text()}")
    option = f" --storage {shlex.quote(url)}" if url != "sqlite:///crucible.db" else ""
    print(f"\nNext: crucible export {shlex.quote(spec.name)} --format checkpoint --out DIR{option}")
