"""docs/service.md tells of the options and paths that there are."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.search.conftest import Outcome
from tests.search.serving.conftest import Served

PAGE = (Path(__file__).parents[3] / "docs" / "service.md").read_text()


def test_the_options_of_the_page_are_those_of_the_commands(crucible: Callable[..., Outcome]) -> None:
    table = PAGE.partition("| `crucible serve` |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| .*?(?= \|)", table, flags=re.MULTILINE)
    options = {option for cell in cells for option in re.findall(r"--[a-z-]+", cell)}
    found = set(re.findall(r"--[a-z-]+", crucible("serve", "--help").out)) - {"--help"}
    assert options - {"--storage"} == found - {"--storage"}
    submit = crucible("submit", "--help").out
    told = ("--url", "--token", "--trials", "--hours", "--until", "--anyway", "--json")
    assert [each for each in told if each not in submit] == []


def test_the_paths_of_the_page_are_those_of_the_schema_with_their_parameters(served: Served) -> None:
    table = PAGE.partition("| request | answer |")[2].partition("\n\n")[0]
    told = {}
    for method, path, query in re.findall(r"`?(GET|POST) (/[\w/]*)(\?[\w=&]*)?`", table):
        told[method, path.replace("NAME", "{name}")] = set(re.findall(r"(\w+)=", query))
    paths = served.app.openapi()["paths"]
    found = {
        (method.upper(), path): {
            each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"
        }
        for path, operations in paths.items()
        for method, operation in operations.items()
    }
    assert told == found
