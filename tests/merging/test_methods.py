from __future__ import annotations

import pytest

from merging.errors import RecipeError
from merging.methods import METHODS, find_method, nearest


def test_the_five_methods_are_known_by_mergekits_names() -> None:
    assert list(METHODS) == ["linear", "task_arithmetic", "ties", "dare_linear", "dare_ties"]


def test_defaults_are_mergekits() -> None:
    assert [m.name for m in METHODS.values() if m.normalize] == ["linear", "ties"]
    assert [m.name for m in METHODS.values() if m.rescale] == ["dare_linear", "dare_ties"]
    assert [m.name for m in METHODS.values() if m.consensus] == ["ties", "dare_ties"]


def test_an_unknown_method_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(RecipeError, match=r"unknown method 'tie'; did you mean 'ties'\?; known: linear, "):
        find_method("tie")


def test_no_hint_where_nothing_is_near() -> None:
    assert nearest("xyz", METHODS) == ""
