"""`crucible items`: what a candidate answered to each item, and where two candidates differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluators.score import ItemResult
from merging.methods.registry import nearest
from search.errors import SearchError
from studies.store import StudyStore
from studies.store.rows import Candidate, StudySlice
from studies.verdicts.leaderboard import build_leaderboard

SPLITS = ("holdout", "search")
OUTCOMES: Mapping[tuple[bool, bool], str] = {
    (True, True): "both_right",
    (True, False): "only_first",
    (False, True): "only_second",
    (False, False): "both_wrong",
}


@dataclass(frozen=True)
class Asked:
    """What is looked for; None is the best candidate, the only slice, the split that has answers."""

    study: str
    trial: int | None = None
    candidate: str | None = None
    slice: str | None = None
    split: str | None = None
    versus: str | None = None
    """Another candidate by its name, or a trial by its number."""
    wrong: bool = False
    """Only items that the (first) candidate answered wrongly."""


@dataclass(frozen=True)
class Answers:
    """What one candidate answered to the items of one slice."""

    part: StudySlice
    candidate: str
    right: int
    n: int
    """Items that it was asked, of which `right` were answered correctly."""
    results: tuple[ItemResult, ...]
    """What was looked for of them."""
    why_fewer: str | None = None
    """Why it was not asked all items of the slice; None: nothing is said of that."""

    def to_json(self) -> list[dict[str, Any]]:
        """As `crucible items --json` prints it: an object an item."""
        where = {"slice": self.part.name, "split": self.part.split, "candidate": self.candidate}
        return [{**where, "item": each.item, **_fields(each, "prompt_hash")} for each in self.results]

    def to_text(self) -> Iterator[str]:
        """A heading, and every item with its verdict and its text."""
        yield f"{self.part.name} ({self.part.split}): {self.candidate}, {self.right} of {self.n} right"
        if self.n < self.part.n:
            why = f": {self.why_fewer}" if self.why_fewer else ""
            yield f"It was not asked the slice's other {self.part.n - self.n} items{why}"
        for each in self.results:
            yield f"\nitem {each.item}  {_verdict(each)}  prompt {each.prompt_hash}"
            yield from _quoted(each.text)


@dataclass(frozen=True)
class Comparison:
    """Items of one slice that two candidates answered differently."""

    part: StudySlice
    names: tuple[str, str]
    counts: Mapping[str, int]
    """Over all items that both were asked, by who was right."""
    pairs: tuple[tuple[ItemResult, ItemResult], ...]

    def to_json(self) -> list[dict[str, Any]]:
        """As `crucible items --versus … --json` prints it: an object an item answered differently."""
        where = {"slice": self.part.name, "split": self.part.split}
        return [
            {
                **where,
                "item": a.item,
                "prompt_hash": a.prompt_hash,
                "outcome": _outcome(a, b),
                "first": {"candidate": self.names[0], **_fields(a)},
                "second": {"candidate": self.names[1], **_fields(b)},
            }
            for a, b in self.pairs
        ]

    def to_text(self) -> Iterator[str]:
        """A heading with the counts, and both answers to every item that was answered differently."""
        first, second = self.names
        both, only_a, only_b, neither = (self.counts[name] for name in OUTCOMES.values())
        yield f"{self.part.name} ({self.part.split}): {first} and {second}"
        yield f"{both} both right, {only_a} only {first}, {only_b} only {second}, {neither} both wrong"
        if (n := both + only_a + only_b + neither) < self.part.n:
            yield f"Not both of them were asked the slice's other {self.part.n - n} items"
        for a, b in self.pairs:
            yield f"\nitem {a.item}  prompt {a.prompt_hash}"
            for name, each in zip(self.names, (a, b), strict=True):
                yield f"{name}: {_verdict(each)}"
                yield from _quoted(each.text)


def find_items(url: str, asked: Asked, limit: int | None = None) -> Answers | Comparison:
    """Look up the first `limit` items that are asked for.

    Raises:
        StudiesError: the store cannot be read, or has no such study.
        SearchError: the study has no such candidate or slice, or the candidate answered nothing of it.
    """
    with StudyStore(url, create=False, patience=0) as store:
        study = store.study(asked.study)
        candidates = [_choose(store, asked)]
        if asked.versus is not None:
            trial = int(asked.versus) if asked.versus.isdecimal() else None
            candidates.append(_named(store, asked.study, trial, asked.versus))
        part, found = _answers(store, candidates, _slices(store.slices(study), asked))
    names = [candidate.name for candidate in candidates]
    if len(found) == 1:
        results = [each for each in found[0] if not (asked.wrong and each.correct)]
        right = sum(each.correct for each in found[0])
        why = candidates[0].reason
        return Answers(part, names[0], right, len(found[0]), tuple(results[:limit]), why)
    return _compare(part, (names[0], names[1]), (found[0], found[1]), asked.wrong, limit)


def _compare(
    part: StudySlice,
    names: tuple[str, str],
    found: tuple[Sequence[ItemResult], Sequence[ItemResult]],
    wrong: bool,
    limit: int | None,
) -> Comparison:
    others = {each.item: each for each in found[1]}
    shared = [(each, others[each.item]) for each in found[0] if each.item in others]
    tally = Counter(_outcome(a, b) for a, b in shared)
    differing = [(a, b) for a, b in shared if _said(a) != _said(b) and not (wrong and a.correct)]
    counts = {name: tally[name] for name in OUTCOMES.values()}
    return Comparison(part, names, counts, tuple(differing[:limit]))


def _choose(store: StudyStore, asked: Asked) -> Candidate:
    if asked.trial is not None and asked.candidate is not None:
        raise SearchError("--trial and --candidate both name the candidate; give one of them")
    if asked.trial is not None or asked.candidate is not None:
        return _named(store, asked.study, asked.trial, asked.candidate or "")
    rows = build_leaderboard(store, asked.study)
    if not rows:
        raise SearchError(f"study {asked.study!r} has no candidate measured yet; see `crucible status`")
    return _named(store, asked.study, rows[0].trial, rows[0].name)


def _named(store: StudyStore, study: str, trial: int | None, name: str) -> Candidate:
    """The trial of that number, else the candidate of that name; `base` is the base, whatever its name."""
    known = store.candidates(store.study(study))
    for each in known:
        named = each.name == name or each.kind == name == "base"
        if named if trial is None else each.trial == trial:
            return each
    if trial is not None:
        last = max((each.trial for each in known if each.trial is not None), default=None)
        has = "no trials yet" if last is None else f"trials 0 to {last}"
        raise SearchError(f"study {study!r} has no trial {trial}; it has {has}")
    names = [each.name for each in known if each.kind != "trial"]
    hint = nearest(name, [each.name for each in known])
    raise SearchError(
        f"study {study!r} has no candidate {name!r}; it has {', '.join(names)} and trials{hint}"
    )


def _slices(known: Sequence[StudySlice], asked: Asked) -> list[StudySlice]:
    """The slice's parts that may be meant, best first."""
    names = list(dict.fromkeys(part.name for part in known))
    if asked.slice is None and len(names) > 1:
        raise SearchError(f"study {asked.study!r} has several slices; give --slice {' or '.join(names)}")
    name = names[0] if asked.slice is None and names else asked.slice
    if name not in names:
        hint = nearest(str(name), names)
        raise SearchError(f"study {asked.study!r} has no slice {name!r}; it has {', '.join(names)}{hint}")
    splits = SPLITS if asked.split is None else (asked.split,)
    if asked.split not in (None, *SPLITS):
        raise SearchError(f"--split {asked.split!r} is none of {', '.join(SPLITS)}")
    return [part for split in splits for part in known if (part.name, part.split) == (name, split)]


def _answers(
    store: StudyStore, candidates: Sequence[Candidate], parts: Sequence[StudySlice]
) -> tuple[StudySlice, list[list[ItemResult]]]:
    """The first part of which every candidate answered something, and those answers."""
    for part in parts:
        found = [store.results(candidate.digest, part.digest) for candidate in candidates]
        if all(found):
            return part, found
    last = parts[-1]
    none = next(each for each in candidates if not store.measured(each.digest, last.digest))
    why = f" ({none.reason})" if none.reason else ""
    split = last.split if len(parts) == 1 else "search or holdout"
    raise SearchError(f"{none.name} answered no {split} items of slice {last.name!r}{why}; name another")


def _outcome(a: ItemResult, b: ItemResult) -> str:
    return OUTCOMES[a.correct, b.correct]


def _said(result: ItemResult) -> tuple[bool, str]:
    """The verdict and the answer: two ways to the same extracted answer are no difference."""
    return result.correct, result.text if result.extracted is None else result.extracted


def _fields(result: ItemResult, *more: str) -> dict[str, Any]:
    names = ("correct", "extracted", "text", "tokens", "seconds", "logprob", *more)
    return {name: getattr(result, name) for name in names}


def _verdict(result: ItemResult) -> str:
    answer = "" if result.extracted is None else f" {' '.join(result.extracted.split())!r}"
    likely = "" if result.logprob is None else f"  gold logprob {result.logprob:.3f}"
    verdict = "right" if result.correct else "wrong"
    return f"{verdict}{answer}{likely}  {result.tokens} tokens  {result.seconds:.3f} s"


def _quoted(text: str) -> Iterator[str]:
    """The text, indented; what could drive a terminal is spelled out."""
    for line in text.split("\n"):
        yield "  | " + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
