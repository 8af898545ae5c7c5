"""The reference page says what the registry says."""

from __future__ import annotations

from merging.methods.registry import METHODS, PARAMETERS
from search.showing.reference import PAGE, page


def test_the_page_of_the_methods_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: python -m search.showing.reference"


def test_it_speaks_of_every_method_and_parameter() -> None:
    text = page()
    assert all(f"## {name}\n" in text for name in METHODS)
    assert all(f"| `{name}` |" in text for name in PARAMETERS)
