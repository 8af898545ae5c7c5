"""YAML that lies about its size or says a key twice is refused before anything looks at it."""

from __future__ import annotations

import pytest

from merging.errors import RecipeError
from merging.recipe.yaml_text import parse_yaml
from merging.shown import shown


def bomb(levels: int, first: str = "[a, a]", item: str = "[{}]") -> str:
    lines = [f"x0: &x0 {first}"]
    for i in range(1, levels):
        lines.append(f"x{i}: &x{i} " + item.format(", ".join([f"*x{i - 1}"] * 9)))
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 1\n", "c.yaml:3: 'a' is said twice .first on line 1.; keep one"),
        ("a: {b: 1, b: 2}", "c.yaml:1: 'b' is said twice"),
        ("a:\n  - b: 1\n    c: 1\n    b: 2", "c.yaml:4: 'b' is said twice .first on line 2."),
        (bomb(12), "c.yaml: aliases repeat too much of it"),
        (bomb(9, "{a: 1}", "{{<<: [{}]}}"), "c.yaml: aliases repeat too much of it"),
        ("a: &a [*a]", "c.yaml: aliases repeat too much of it"),
        ("a: " + "[" * 50000, "c.yaml: not a merge config"),
        ("- a", "expected a mapping with fields, found list"),
        ("", "expected a mapping with fields, found NoneType"),
    ],
)
def test_what_is_no_plain_config_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message) as error:
        parse_yaml(text, "c.yaml")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


def test_aliases_and_merged_mappings_say_what_they_stand_for() -> None:
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\nc: [*a, *a]\n1: x\n'1': y\n"
    assert parse_yaml(text, "c.yaml") == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 3, "y": 2},
        "c": [{"x": 1, "y": 2}] * 2,
        1: "x",
        "1": "y",
    }


def test_a_value_is_shown_in_a_short_line_however_large_it_is() -> None:
    nested: list[object] = ["a"] * 9
    for _ in range(40):
        nested = [nested] * 9
    for large in (nested, {"a": nested}, "x" * 10**6, 10**400, list(range(10**5))):
        assert len(shown(large)) < 2000
    for small in ("a\nb", 0.5, [0.1, "x"], {"a": 1}, None, True):
        assert shown(small) == repr(small)
