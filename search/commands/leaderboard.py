"""`crucible leaderboard`: who is best."""

from __future__ import annotations

import json

from search.commands.options import Json, Storage, StudyName, chosen


def leaderboard(study: StudyName, storage: Storage = None, as_json: Json = False) -> None:
    """Rank a study's candidates by their holdout items, with 95% intervals for what was gained."""
    from search.showing.tables import show_leaderboard
    from studies.store import StudyStore
    from studies.verdicts.leaderboard import build_leaderboard

    with StudyStore(chosen(storage), create=False) as store:
        rows = build_leaderboard(store, study)
    if as_json:
        print(json.dumps([row.to_json() for row in rows]))
    else:
        show_leaderboard(rows, study)
