"""`crucible demo`: the whole job on three tiny experts, from study file to checkpoint."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import search
from merging.errors import OutputError
from merging.models.writer import save_text
from merging.recipe import load_recipe
from search.candidates.candidate import RECIPE_IN_CHECKPOINT, write_candidate
from search.candidates.card import CARD
from search.candidates.export import MERGEKIT_FILE, card_of, mergekit_yaml
from search.candidates.models import open_worker
from search.candidates.verdict import found_in
from search.errors import SearchError
from search.showing.display import Display
from search.showing.savings import show_savings
from search.showing.tables import console, show_leaderboard
from search.study_file.spec import load_study
from search.working.run import run_study
from studies.report.write import write_report
from studies.store import StudyStore
from studies.store.readonly import ReadOnlyStore

CHECKPOINT = "model"
REPORT = "report.html"


def run_demo(out: Path, storage: str | None) -> None:
    """Run `examples/tiny/study.yaml` and leave its best merge in `out`; run again, go on where it stopped.

    Raises:
        ValueError kin: what the user can put right. Interrupted: Ctrl-C or SIGTERM.
    """
    spec = load_study(find_example() / "study.yaml")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{out}: cannot be made a folder ({error.strerror}); choose another with --out"
        ) from error
    url = storage or f"sqlite:///{out / 'crucible.db'}"
    rows = run_study(spec, url, Display(console()))
    with StudyStore(url) as store:
        recipe = store.recipe(rows[0].digest)
        found = found_in(store, spec.name, rows[0], rows)
    worker = open_worker(recipe)
    save_text(out / MERGEKIT_FILE, mergekit_yaml(recipe, worker))
    if _holds_another(out / CHECKPOINT, recipe.digest):
        shutil.rmtree(out / CHECKPOINT)
    if not (out / CHECKPOINT).exists():
        card = card_of(recipe, worker, found)
        write_candidate(recipe, worker, out / CHECKPOINT, {CARD: card})
    show_leaderboard(rows, spec.name)
    show_savings(url, spec.name)
    print(_next(out, url, spec.name))
    print(reported(url, spec.name, out / REPORT))


def reported(url: str, study: str, out: Path) -> str:
    """Write a study's report, and say where it lies, with how to get plots into it where it has none."""
    with ReadOnlyStore(url) as store:
        written = write_report(store, study, out, "html")
    without = f"({written.without})\n" if written.without else ""
    return f"\n{without}The report, for a browser: {written.path.resolve()}"


def find_example() -> Path:
    """The folder of the tiny study: in a clone beside the packages, in an installation within this one.

    Raises:
        SearchError: it is in neither place.
    """
    room = Path(search.__file__).parent
    for folder in (room.parent / "examples" / "tiny", room / "examples" / "tiny"):
        if (folder / "study.yaml").is_file():
            return folder
    raise SearchError(
        f"{room}: the demo's experts were not installed with it; clone Crucible and run `make demo`"
    )


def _holds_another(folder: Path, digest: str) -> bool:
    """Whether an earlier demo left another merge here; what a demo did not write is never touched."""
    recipe = folder / RECIPE_IN_CHECKPOINT
    return recipe.is_file() and load_recipe(recipe.read_text(encoding="utf-8"), str(recipe)).digest != digest


def _next(out: Path, url: str, name: str) -> str:
    named = (out, out / MERGEKIT_FILE, url, find_example())
    folder, merge, store, example = (shlex.quote(str(each)) for each in named)
    return f"""
Written to {folder}/: {MERGEKIT_FILE} (for mergekit), {CHECKPOINT}/ (the merged model), crucible.db (evidence)

Next:
  crucible leaderboard {name} --storage {store}
  crucible merge {merge} my-merge     # the same merge, made again from its config
  cp -r {example} my-study            # a study to put your own models into
  crucible check my-study/study.yaml && crucible run my-study/study.yaml

(`crucible` is in .venv/bin; `. .venv/bin/activate` puts it on your path.)"""
