"""The `objective` of a study file: what trials are scored by on the search items."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeAlias

from pydantic import PlainSerializer, PlainValidator

from merging.methods.registry import nearest
from search.study_file.search_space import wrong_at
from studies.objectives.goals import MEANS, WORDS, Goal, Goals, gold_slices, read_goals

Entry: TypeAlias = str | dict[str, dict[str, float]]
TOKENS = "tokens"
FORMS = "{mean: {SLICE: weight}}"


def _checked(said: Any) -> Any:
    """One goal, or several in a tuple, as the file says them; what slices there are is not known yet."""
    if not isinstance(said, list | tuple):
        return _entry(said)
    if not said:
        raise ValueError("a list of objectives is empty; write `accuracy`, or leave it out")
    entries = tuple(map(_entry, said))
    for i, each in enumerate(entries):
        if each in entries[:i]:
            raise ValueError(f"{read_goals(each)[0].name!r} is there twice; leave one out")
    return entries if len(entries) > 1 else entries[0]


def _entry(said: Any) -> Entry:
    if isinstance(said, str):
        return said
    if not isinstance(said, Mapping) or len(said) != 1 or not said.keys() <= MEANS.keys():
        raise ValueError(f"must be {_known()}; found {said!r}{_guess(said)}")
    ((how, weights),) = said.items()
    if not isinstance(weights, Mapping) or not weights:
        raise ValueError(
            f"{how} takes a weight for each slice, as in {{{how}: {{gsm8k: 2}}}}; found {weights!r}"
        )
    return {how: {str(name): _weight(how, name, weight) for name, weight in weights.items()}}


def _weight(how: str, name: Any, weight: Any) -> float:
    sound = isinstance(weight, int | float) and not isinstance(weight, bool)
    if not (sound and 0 < weight < math.inf):
        raise ValueError(f"{how}: the weight of {name!r} must be a number above 0; found {weight!r}")
    return float(weight)


def _guess(said: Any) -> str:
    keys = [str(key) for key in said] if isinstance(said, Mapping) else []
    return nearest(keys[0], MEANS) if len(keys) == 1 else ""


def _known(slices: Sequence[str] = ()) -> str:
    listed = ", ".join((*(word for word in WORDS if word != TOKENS), *slices))
    return f"{listed}, {FORMS}, or a list of several"


def _said(objective: Any) -> Any:
    """As a study's identity has it."""
    return list(objective) if isinstance(objective, tuple) else objective


Objective = Annotated[
    str | dict[str, dict[str, float]] | tuple[Entry, ...],
    PlainValidator(_checked),
    PlainSerializer(_said, return_type=Any),
]
"""As the file says it: a word, weights of slices, or several of them."""


def check_objective(objective: Objective, slices: Sequence[str]) -> None:
    """Raise, at the field `objective`, what is wrong with it for a study of these slices."""
    goals = read_goals(objective)
    several = len(goals) > 1
    for each in goals if isinstance(objective, str | tuple) else ():
        _check_word(each, slices, several=several)
    for each in goals:
        for name, _ in each.weights:
            if name not in slices:
                known = ", ".join(slices)
                raise _wrong(
                    f"{each.name}: no slice is called {name!r}{nearest(name, slices)}; there are {known}"
                )
    _check_scoring(goals, slices)
    _check_all_steer(goals, slices)


def _check_word(goal: Goal, slices: Sequence[str], *, several: bool) -> None:
    """Words mean one thing each."""
    if several and goal.name in WORDS and goal.name in slices:
        raise _wrong(
            f"{goal.name!r} is a slice here, too; write {{mean: {{{goal.name}: 1}}}} for the slice, or call"
            " it otherwise"
        )
    if goal.name == TOKENS and not several:
        raise _wrong(
            "tokens alone are fewest where nothing is said; write what they are for, too: [accuracy, tokens]"
        )
    if goal.name not in (*WORDS, *slices) and len(goal.weights) == 1 and goal.weights[0][0] == goal.name:
        words = (*WORDS, *slices) if several else (*(word for word in WORDS if word != TOKENS), *slices)
        raise _wrong(f"must be {_known(slices)}; found {goal.name!r}{nearest(goal.name.lstrip('-'), words)}")


def _check_scoring(goals: Goals, slices: Sequence[str]) -> None:
    """A slice's search items are asked in one way."""
    gold = gold_slices(goals, slices)
    for goal in goals:
        looked_at = () if goal.kind in ("gold_logprob", TOKENS) else goal.weighs(slices)
        if both := [name for name in looked_at if name in gold]:
            raise _wrong(
                f"slice {both[0]!r} cannot be scored by {goal.name} and by gold_logprob at once: its search"
                " items are answered, or their gold answers read; name it in one of them"
            )
    if gold.issuperset(slices) and any(goal.kind == TOKENS for goal in goals):
        raise _wrong(
            "tokens are those of answers, and under gold_logprob none are given; leave one of them out"
        )


def _check_all_steer(goals: Goals, slices: Sequence[str]) -> None:
    steering = {name for goal in goals if goal.kind != TOKENS for name in goal.weighs(slices)}
    if idle := [name for name in slices if name not in steering]:
        raise _wrong(
            f"slice {idle[0]!r} is in none of it, and its search items would be asked in vain; give it a"
            " weight, or leave the slice out"
        )


def _wrong(message: str) -> Exception:
    return wrong_at("objective", message)
