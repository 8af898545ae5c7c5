from __future__ import annotations

import pytest

from merging.errors import RecipeError
from merging.methods.registry import METHODS, PARAMETERS, find_method, nearest


def test_methods_are_known_by_mergekits_names() -> None:
    assert list(METHODS)[:5] == ["linear", "task_arithmetic", "ties", "dare_linear", "dare_ties"]
    assert [m.name for m in METHODS.values() if not m.mergekit] == ["tsv", "iso_c"]


def test_defaults_are_mergekits() -> None:
    assert [m.name for m in METHODS.values() if m.normalize] == ["linear", "ties", "della"]
    rescaled = ["dare_linear", "dare_ties", "della", "della_linear"]
    assert [m.name for m in METHODS.values() if m.rescale] == rescaled
    agreeing = ["ties", "dare_ties", "della", "breadcrumbs_ties"]
    assert [m.name for m in METHODS.values() if m.consensus] == agreeing


def test_every_parameter_that_a_method_reads_is_described() -> None:
    for method in METHODS.values():
        assert set(method.parameters) <= set(PARAMETERS), method.name


def test_an_unknown_method_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(RecipeError, match=r"unknown method 'tie'; did you mean 'ties'\?; known: linear, "):
        find_method("tie")


def test_no_hint_where_nothing_is_near() -> None:
    assert nearest("xyz", METHODS) == ""
