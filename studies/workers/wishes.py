"""What people ask of all who work on a study: to pause, to stop, or nothing any more."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import select, update

from studies.store import StudyStore
from studies.store.connect import reading, writing
from studies.store.patience import patient
from studies.store.schema import studies

Wish = Literal["pause", "stop"]


@patient
def ask(store: StudyStore, study: int, wish: Wish | None) -> None:
    """Ask the study's workers to pause or to stop; None takes back what was asked."""
    with writing(store.engine) as connection:
        connection.execute(update(studies).where(studies.c.id == study).values(asked=wish))


@patient
def asked(store: StudyStore, study: int) -> Wish | None:
    """What the study's workers are asked."""
    with reading(store.engine) as connection:
        wish: Wish | None = connection.execute(
            select(studies.c.asked).where(studies.c.id == study)
        ).scalar_one()
    return wish
