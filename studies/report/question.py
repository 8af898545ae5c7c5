"""What a study asks, and of what it is made, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from studies.objectives.goals import Goals
from studies.report.table import listed
from studies.store import StudyStore
from studies.store.identity import JSON
from studies.store.rows import Candidate, StudySlice, StudySummary
from studies.verdicts.savings import savings

MEANT = {
    "accuracy": "accuracy",
    "gold_logprob": "the log-probability of gold answers",
    "worst_slice": "the accuracy on its worst slice, as a share of the best expert's",
    "tokens": "few tokens an answer",
}


def question_of(
    identity: Mapping[str, JSON],
    candidates: list[Candidate],
    slices: list[str],
    goals: Goals,
    selection: Mapping[str, JSON] | None,
) -> str:
    """What a study wants to know, in one sentence."""
    if selection is not None:
        sources = selection.get("sources")
        names = list(sources) if isinstance(sources, Mapping) else []
        target = selection.get("target_name") or "the target"
        return f"What does {target} gain by learning from {listed(names)}?"
    base, experts = models_of(identity, candidates)
    aim = listed([_aim(goal.name, goal.kind, bool(goal.weights)) for goal in goals])
    return f"Which merge of {listed(experts)} into {base} is best at {listed(slices)}, by {aim}?"


def models_of(identity: Mapping[str, JSON], candidates: list[Candidate]) -> tuple[str, list[str]]:
    """What a study calls its base and its experts."""
    models = identity.get("models")
    names = list(models) if isinstance(models, Mapping) else []
    base = next((row.name for row in candidates if row.kind == "base"), names[0] if names else "the base")
    experts = [row.name for row in candidates if row.kind == "expert"]
    return base, experts or [name for name in names if name != base]


def facts_of(
    store: StudyStore, summary: StudySummary, identity: Mapping[str, JSON], sampler: str | None
) -> tuple[tuple[str, str], ...]:
    """What a reader has to know of how the question was asked, as pairs of a word and a text."""
    said = identity.get("study")
    study = said if isinstance(said, Mapping) else {}
    found = [
        ("state", _state(summary)),
        ("time", f"{_time(summary.created_at)} to {_time(summary.updated_at)} UTC"),
        *_search(summary, study, sampler),
        *_space(study),
        *_engine(study),
        *_racing(store, summary.id),
    ]
    return tuple(found)


def items_of(slices: list[StudySlice]) -> list[tuple[str, str, int, int, str]]:
    """By slice: its name, task, items that steer, items that judge, and how it is scored."""
    names = list(dict.fromkeys(part.name for part in slices))
    found: list[tuple[str, str, int, int, str]] = []
    for name in names:
        parts = {part.split: part for part in slices if part.name == name}
        one = next(iter(parts.values()))
        counts = [parts[split].n if split in parts else 0 for split in ("search", "holdout")]
        found.append((name, one.task, counts[0], counts[1], one.scoring))
    return found


def _aim(name: str, kind: str, weighed: bool) -> str:
    return name if weighed else MEANT[kind]


def _state(summary: StudySummary) -> str:
    return f"{summary.state}: {summary.reason}" if summary.reason else summary.state


def _time(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M}"


def _search(
    summary: StudySummary, study: Mapping[str, JSON], sampler: str | None
) -> Iterator[tuple[str, str]]:
    budget = study.get("budget")
    asked = budget.get("trials") if isinstance(budget, Mapping) else None
    if not study and not summary.trials:
        return
    said = f"{summary.trials} of {asked} trials" if asked else f"{summary.trials} trials"
    counts = {"stopped early": summary.pruned, "failed": summary.failed}
    yield "search", "; ".join((said, *(f"{n} {what}" for what, n in counts.items() if n)))
    named = study.get("sampler")
    name = named.get("name") if isinstance(named, Mapping) else None
    if sampler or name:
        yield "sampler", str(sampler or name)


def _space(study: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
    space = study.get("search_space")
    if not isinstance(space, Mapping):
        return
    methods = space.get("methods")
    if isinstance(methods, list):
        yield "methods", ", ".join(map(str, methods))
    modules = space.get("modules")
    parts = [f"layer groups: {space['layer_groups']}"] if space.get("layer_groups") else []
    parts += [f"modules: {', '.join(map(str, modules))}"] if isinstance(modules, list) and modules else []
    for name in ("weight", "density", "lambda"):
        ends = space.get(name)
        if isinstance(ends, list) and len(ends) == 2 and ends[0] != ends[1]:
            parts.append(f"{name} {ends[0]} to {ends[1]}")
    if parts:
        yield "search space", "; ".join(parts)


def _engine(study: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
    engine = study.get("engine")
    if isinstance(engine, Mapping):
        tokens = engine.get("max_tokens")
        yield "engine", f"{engine.get('name')}" + (f", at most {tokens} tokens an answer" if tokens else "")


def _racing(store: StudyStore, study: int) -> Iterator[tuple[str, str]]:
    saved = savings(store, study)
    if saved is not None and saved.pruned:
        yield (
            "racing",
            f"{saved.pruned} of {saved.trials} trials stopped early: {saved.items_saved:,} of {saved.items:,}"
            f" search items saved ({saved.share:.0%}), about {saved.tokens_saved:,} tokens",
        )
