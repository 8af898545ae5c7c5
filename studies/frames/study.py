"""`open_study`: a study to look at from Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Self

from studies.errors import StudiesError, StudyNotFound
from studies.frames.answers import Block, blocks, read_answers
from studies.frames.drawn import read_drawn
from studies.frames.frame import frame_of, load_pandas
from studies.frames.tables import ANSWERS, gains, of_scores, of_trials, workers_of_trials
from studies.store import ReadOnlyStore
from studies.store.connect import DEFAULT_STORAGE
from studies.store.rows import Split
from studies.verdicts.leaderboard import build_leaderboard, conclusion
from studies.views.entries import Entry, entries_of
from studies.views.scored import pick, scored
from studies.views.tallies import Tallies
from studies.views.trials import trials_page

if TYPE_CHECKING:
    import pandas as pd

ROWS = 10_000
"""Answers that a frame holds unless more are asked for."""


@dataclass(frozen=True)
class OpenStudy:
    """One study of a store; every call reads the store as it is now, so a study that runs may be watched.

    Scores are fractions, log-probabilities natural logs per token, times UTC without zone.
    """

    store: ReadOnlyStore
    name: str
    _tallies: Tallies = field(default_factory=Tallies, repr=False)

    @cached_property
    def id(self) -> int:
        """The study's number in its store."""
        return self.store.study(self.name)

    def trials(self) -> pd.DataFrame:
        """One row per trial, by number: how it ended, its score with the interval, what it took.

        `score`, `low` and `high` are None unless it answered all search items; a study with several goals
        has the three of each, such as `score.gsm8k`. `estimate` is of one that was stopped early. `worker`
        is who is at it just now: of trials that are over nobody keeps who measured them.
        """
        page = trials_page(self.store, self._tallies, self.id, size=2**62, order="number")
        at_work = workers_of_trials(self.store, self.id)
        rows = [of_trials(row, page.goals, at_work) for row in page.rows]
        return frame_of(rows, index="number")

    def params(self) -> pd.DataFrame:
        """What was drawn for each trial: a row per trial, a column per parameter; NaN where it had none."""
        names, rows = read_drawn(self.store, self.name)
        frame = load_pandas().DataFrame.from_dict(rows, orient="index", columns=names)
        return frame.rename_axis("number").sort_index()

    def scores(self) -> pd.DataFrame:
        """One row per candidate, slice and split: `score` over its `n` answers so far, with its 95% interval.

        Slices that are scored by gold answers have the mean log-probability per token, without interval.
        """
        found = scored(self.store, self._tallies, self.id, splits=("search", "holdout"))
        rows = [row for entry in found.entries for row in of_scores(found, entry)]
        return frame_of(rows)

    def items(
        self,
        candidate: str | int | Sequence[str | int] | None = None,
        slice: str | None = None,
        split: Split | None = None,
        *,
        text: bool = True,
        limit: int | None = ROWS,
        offset: int = 0,
    ) -> pd.DataFrame:
        """Single answers, of candidates by name or trials by number, of one slice, of one split: or of all.

        There may be millions: at most `limit` rows from the `offset`th on, in the order of candidates,
        slices and items. Without `text` the answers themselves are left out. Candidates that are the same
        recipe have the same answers, each its own rows.

        Raises StudyNotFound for a candidate or slice that is not there.
        """
        wanted = self._blocks(self._entries(candidate), slice, split)
        rows = read_answers(self.store, wanted, offset=offset, limit=limit, text=text)
        return frame_of(rows, columns=ANSWERS if text else ANSWERS[:-1])

    def leaderboard(self) -> pd.DataFrame:
        """One row per complete candidate, the best first, as `crucible leaderboard --json` has them.

        Each gain has the difference in holdout accuracy and its interval: `vs_base`, `vs_base_low` and
        `vs_base_high`. What that proves stands in words in `conclusion()`.
        """
        rows = [gains(row) for row in build_leaderboard(self.store, self.name)]
        frame = frame_of(rows)
        frame.index = frame.index + 1
        return frame.rename_axis("rank")

    def conclusion(self) -> str:
        """What the holdout items prove of the best merge, in words."""
        return conclusion(build_leaderboard(self.store, self.name))

    def close(self) -> None:
        """Close the connections to the store."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _entries(self, candidate: str | int | Sequence[str | int] | None) -> list[Entry]:
        entries = entries_of(self.store, self.id)
        if candidate is None:
            return entries
        asked = [candidate] if isinstance(candidate, str | int) else candidate
        return [pick(entries, str(each), self.name) for each in asked]

    def _blocks(self, entries: Sequence[Entry], slice_: str | None, split: Split | None) -> list[Block]:
        parts = self.store.slices(self.id)
        names = list(dict.fromkeys(part.name for part in parts))
        if slice_ is not None and slice_ not in names:
            raise StudyNotFound(f"study {self.name!r} has no slice {slice_!r}: it has {', '.join(names)}")
        if split not in (None, "search", "holdout"):
            raise StudiesError(f"split {split!r}: write 'search' or 'holdout', or leave it out")
        kept = [part for part in parts if slice_ in (None, part.name) and split in (None, part.split)]
        sums = self._tallies.of(self.store, entries, kept)
        return list(blocks(entries, kept, sums))


def open_study(storage: str = DEFAULT_STORAGE, name: str | None = None) -> OpenStudy:
    """Opens a study to be looked at, by the URL of its store, and by its name where there are several.

    Nothing is created, changed or locked, and a search may run meanwhile. Usable in a `with`.

    Raises StorageError if there is no such store, or one of another version; StudyNotFound for a name that
    is not in it, or none where there are several.
    """
    store = ReadOnlyStore(storage)
    try:
        chosen = _only(store, storage) if name is None else name
        store.study(chosen)
    except BaseException:
        store.close()
        raise
    return OpenStudy(store, chosen)


def _only(store: ReadOnlyStore, storage: str) -> str:
    names = [each.name for each in store.studies()]
    if len(names) != 1:
        found = f"several studies ({', '.join(names)}): name one" if names else "no study: see `crucible run`"
        raise StudyNotFound(f"storage {store.engine.url!r} has {found}")
    return names[0]
