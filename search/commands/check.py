"""`crucible check`: is a study sound."""

from __future__ import annotations

import json

from search.commands.options import Json, Storage, StudyFile


def check(study: StudyFile, storage: Storage = None, as_json: Json = False) -> None:
    """Check a study before it is run: models, items, search space and storage. Nothing is measured."""
    from search.running.check import check_study
    from search.study_file.spec import load_study

    report = check_study(spec := load_study(study), storage or spec.storage)
    print(json.dumps(report.to_json()) if as_json else report.to_text())
