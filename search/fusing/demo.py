"""`crucible demo --fuse`: two tiny families searched, and their best made one model, in one database."""

from __future__ import annotations

import shlex
from pathlib import Path

from merging.errors import OutputError
from search.fusing.fuse import run_fusion
from search.fusing.judging.merging import FILE
from search.fusing.judging.outcome import Outcome
from search.showing.display import Display
from search.showing.stage import Stages
from search.showing.tables import console, show_leaderboard
from search.study_file.fusion import load_fusion, load_members
from search.working.demo import REPORT, find_example, reported
from search.working.run import run_study

TRIALS = 24
"""Of each family's search: enough to find a merge that is worth fusing, and over in minutes."""


def run_fusion_demo(out: Path, storage: str | None) -> Outcome:
    """Search both families of `examples/tiny`, fuse them by `fusion.yaml` there, and say what came of it.

    All that is made lies in `out`; run again, it goes on where it stopped.

    Raises:
        ValueError kin: what the user can put right. Interrupted: Ctrl-C or SIGTERM.
    """
    example = find_example()
    spec = load_fusion(example / "fusion.yaml")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{out}: cannot be made a folder ({error.strerror}); choose another with --out"
        ) from error
    url = storage or f"sqlite:///{out / 'crucible.db'}"
    stages = Stages(console())
    members = load_members(spec)
    for number, member in enumerate(members, 1):
        stages.say(f"\n{number} of {len(members) + 1}: search for the best merge of family {member.name}")
        run_study(member, url, Display(console()), trials=TRIALS)
    stages.say(f"\n{len(members) + 1} of {len(members) + 1}: fuse the families")
    outcome = run_fusion(spec, url, out / "fusion", stages, Display(console()))
    show_leaderboard(outcome.rows, spec.name)
    print(f"\n{outcome.to_text()}\n{_next(out, url, outcome, example)}")
    print(reported(url, spec.name, out / REPORT))
    return outcome


def _next(out: Path, url: str, outcome: Outcome, example: Path) -> str:
    named = (out, url, outcome.plan.spec.name, example)
    folder, store, name, tiny = (shlex.quote(str(each)) for each in named)
    inside = outcome.out.relative_to(out)
    kept = {
        "crucible.db": "studies, answers, the decision, curves of training",
        f"{inside}/models/": "target and sources as checkpoints",
        f"{inside}/distributions/": "what each of them said of the data",
        f"{inside}/fused/": "the target, as it learnt from each source",
    }
    if outcome.merged:
        kept[f"{inside}/{FILE}"] = "the search over the fused models, as a study file"
    listed = "\n".join(f"  {place:<24}{what}" for place, what in kept.items())
    return f"""
In {folder}/:
{listed}

Next:
  crucible leaderboard {name} --storage {store}
  crucible fuse {tiny}/fusion.yaml --plan --storage {store}
  crucible export {name} --format checkpoint --out my-model --storage {store}
  cp -r {tiny} my-fusion    # studies and a fusion file to put your own models into

(`crucible` is in .venv/bin; `. .venv/bin/activate` puts it on your path.)"""
