"""Every difference between two identities is named, and nothing else is."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from studies.store.identity import JSON, changes, describe

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", min_size=1), inner, max_size=3),
    max_leaves=8,
)
IDENTITIES = st.dictionaries(st.text("ab", min_size=1), VALUES, max_size=3)


@given(IDENTITIES)
def test_an_identity_equals_itself(identity: dict[str, JSON]) -> None:
    assert changes(identity, json.loads(json.dumps(identity))) == []


@given(IDENTITIES, IDENTITIES)
def test_different_identities_differ_in_some_field(a: dict[str, JSON], b: dict[str, JSON]) -> None:
    same = json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)
    assert bool(changes(a, b)) is not same


def test_fields_are_dotted_and_shown_as_json() -> None:
    was: dict[str, JSON] = {"slices": {"gsm8k": {"search": 64}}, "experts": ["a", "b"], "dtype": "bfloat16"}
    now: dict[str, JSON] = {"slices": {"gsm8k": {"search": 32}}, "experts": ["a"], "dtype": "float32"}
    assert changes(was, now) == [
        "slices.gsm8k.search was 64, now 32",
        'experts.1 was "b", now absent',
        'dtype was "bfloat16", now "float32"',
    ]


def test_an_empty_list_is_not_an_absent_one() -> None:
    assert changes({"rules": []}, {}) == ["rules was [], now absent"]
    assert changes({"rules": []}, {"rules": {}}) == ["rules was [], now {}"]


def test_long_values_are_shortened() -> None:
    (change,) = changes({"print": "a" * 64}, {"print": "b" * 64})
    assert change == f'print was "{"a" * 38}…, now "{"b" * 38}…'


def test_many_changes_are_counted() -> None:
    assert describe(["a", "b", "c"]) == "a; b; c"
    assert describe(["a", "b", "c", "d", "e"]) == "a; b; c; and 2 more"


MODELS = {"base": {"weights": "b"}, "math": {"weights": "m", "config": "c"}}


def now(**models: dict[str, str]) -> list[str]:
    return changes({"dtype": "bfloat16", "models": MODELS}, {"dtype": "bfloat16", "models": models})  # type: ignore[dict-item]


def test_a_model_under_another_name_is_told_in_one_change() -> None:
    assert now(base=MODELS["base"], algebra=MODELS["math"]) == [
        "model 'math' is called 'algebra' now, but its trials say 'math' (write {name: 'math', model: …})"
    ]
    assert len(now(base=MODELS["math"], math=MODELS["base"])) == 2


def test_a_model_that_changed_beside_its_name_is_told_by_field() -> None:
    assert now(base=MODELS["base"], algebra={"weights": "other", "config": "c"}) == [
        'models.math.weights was "m", now absent',
        'models.math.config was "c", now absent',
        'models.algebra.weights was absent, now "other"',
        'models.algebra.config was absent, now "c"',
    ]


def test_what_changed_beside_a_new_name_is_told_too() -> None:
    assert now(start=MODELS["base"], math={"weights": "m", "config": "d"}) == [
        "model 'base' is called 'start' now, but its trials say 'base' (write {name: 'base', model: …})",
        'models.math.config was "c", now "d"',
    ]
