"""`crucible pause`, `crucible resume`, `crucible stop`: said to all who work on a study."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from search.commands.options import Json, Storage, StudyName, chosen

if TYPE_CHECKING:
    from search.working.asking import Wish


def pause(study: StudyName, storage: Storage = None, as_json: Json = False) -> None:
    """Have all workers of a study wait, wherever they are, until `crucible resume`.

    They finish the batch that is in flight, and keep their engines and what they work on.
    """
    _tell(study, "pause", storage, as_json)


def resume(study: StudyName, storage: Storage = None, as_json: Json = False) -> None:
    """Have the workers of a study go on after `crucible pause`.

    Where none is left, `crucible run` goes on with the study.
    """
    _tell(study, None, storage, as_json)


def stop(study: StudyName, storage: Storage = None, as_json: Json = False) -> None:
    """Have all workers of a study end, wherever they are.

    They finish the batch that is in flight, hand back what they work on and end; everything measured is
    kept, and `crucible run` goes on with it.
    """
    _tell(study, "stop", storage, as_json)


def _tell(study: str, wish: Wish | None, storage: str | None, as_json: bool) -> None:
    from search.working.asking import tell

    told = tell(chosen(storage), study, wish)
    print(json.dumps(told.to_json()) if as_json else told.to_text())
