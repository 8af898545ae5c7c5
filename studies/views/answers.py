"""Single answers in SQL: those of one subject, beside those of another to the same items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Join, Select, and_, func, select

from studies.store.rows import Split
from studies.store.schema import evidence, outputs

Verdict = Literal["all", "right", "wrong", "gained", "lost", "differing"]
"""gained: right where the other is wrong; lost: the other way round. differing: both of these."""
Outcome = Literal["both_right", "gained", "lost", "both_wrong"]
OUTCOMES: Mapping[tuple[bool, bool], Outcome] = {
    (True, True): "both_right",
    (True, False): "gained",
    (False, True): "lost",
    (False, False): "both_wrong",
}
FIELDS = 6
"""Columns of one answer: correct, extracted, text, tokens, seconds, log-probability."""
_own, _other = evidence.alias("own"), evidence.alias("other")
_text, _other_text = outputs.alias("own_text"), outputs.alias("other_text")


@dataclass(frozen=True)
class Wanted:
    """What is looked for; None is the first slice and split that the candidate answered anything of."""

    candidate: str
    """Its name, or a trial's number."""
    slice: str | None = None
    split: Split | None = None
    versus: str | None = None
    """Another candidate."""
    verdict: Verdict = "all"
    offset: int = 0
    size: int = 20
    item: int | None = None
    """This one alone."""


@dataclass(frozen=True)
class Counts:
    """How a subject fared on the items of a slice that it was asked."""

    right: int
    n: int
    outcomes: Mapping[Outcome, int]
    """Over items that both were asked; empty without another."""

    def of(self, verdict: Verdict) -> int:
        """How many items a filter lets through."""
        wrong = self.n - self.right
        gained, lost = self.outcomes.get("gained", 0), self.outcomes.get("lost", 0)
        return {
            "all": self.n,
            "right": self.right,
            "wrong": wrong,
            "gained": gained,
            "lost": lost,
            "differing": gained + lost,
        }[verdict]


def count_outcomes(connection: Connection, slice_digest: str, subject: str, other: str | None) -> Counts:
    """Counted by the database."""
    mine = and_(_own.c.subject_digest == subject, _own.c.slice_digest == slice_digest)
    columns: list[ColumnElement[Any]] = [_own.c.correct, func.count()]
    query: Select[Any] = select(*columns).select_from(_own).where(mine).group_by(_own.c.correct)
    found: list[tuple[bool, bool | None, int]]
    if other is None:
        found = [(bool(right), None, n) for right, n in connection.execute(query)]
    else:
        both = select(_own.c.correct, _other.c.correct, func.count()).select_from(_beside(other))
        grouped = both.where(mine).group_by(_own.c.correct, _other.c.correct)
        found = [(bool(a), None if b is None else bool(b), n) for a, b, n in connection.execute(grouped)]
    outcomes: dict[Outcome, int] = {} if other is None else dict.fromkeys(OUTCOMES.values(), 0)
    for correct, theirs, n in found:
        if theirs is not None:
            outcomes[OUTCOMES[correct, theirs]] += n
    return Counts(sum(n for correct, _, n in found if correct), sum(n for _, _, n in found), outcomes)


def read_items(
    connection: Connection, slice_digest: str, subjects: tuple[str, str | None], wanted: Wanted
) -> Sequence[Sequence[Any]]:
    """Of each item its number, its prompt's hash and the fields of each subject's answer; a page of them."""
    subject, other = subjects
    columns = [_own.c.item, _own.c.prompt_hash, *_answer(_own, _text)]
    source = _own.join(_text, _text.c.hash == _own.c.output_hash)
    if other is not None:
        columns += _answer(_other, _other_text)
        source = _beside(other, source)
        source = source.outerjoin(_other_text, _other_text.c.hash == _other.c.output_hash)
    which = _lets_through(wanted.verdict) if wanted.item is None else [_own.c.item == wanted.item]
    query = select(*columns).select_from(source).where(*which)
    query = query.where(_own.c.subject_digest == subject, _own.c.slice_digest == slice_digest)
    return connection.execute(query.order_by(_own.c.item).limit(wanted.size).offset(wanted.offset)).all()


def _beside(other: str, source: Any = _own) -> Join:
    same = and_(
        _other.c.subject_digest == other,
        _other.c.slice_digest == _own.c.slice_digest,
        _other.c.item == _own.c.item,
    )
    joined: Join = source.join(_other, same, isouter=True)
    return joined


def _answer(of: Any, text: Any) -> list[Any]:
    return [of.c.correct, of.c.extracted, text.c.text, of.c.tokens, of.c.seconds, of.c.logprob]


def _lets_through(verdict: Verdict) -> list[ColumnElement[bool]]:
    own, other = _own.c.correct, _other.c.correct
    which: dict[Verdict, list[ColumnElement[bool]]] = {
        "all": [],
        "right": [own],
        "wrong": [~own],
        "gained": [own, ~other],
        "lost": [~own, other],
        "differing": [own != other],
    }
    return which[verdict]
