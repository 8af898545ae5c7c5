"""Every command of the CLI is in docs/commands.md, and every page of the dashboard in docs/dashboard.md."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.routing import Route
from typer.main import get_command

from search.cli import COMMANDS, app
from studies.dashboard.app import PAGES
from tests.docs.pages import DOCS

NAMES = sorted(get_command(app).commands)  # type: ignore[attr-defined]
ROWS = re.findall(r"^\| `crucible .*$", (DOCS / "commands.md").read_text(), re.MULTILINE)


def paths() -> Iterator[str]:
    """Of the pages that a person opens: what is sent in pieces, or only posted, is no page of its own."""
    for route in PAGES:
        assert isinstance(route, Route)
        if "GET" in (route.methods or ()) and not route.path.endswith(("/live", ".json")):
            yield route.path


def as_written(path: str) -> re.Pattern[str]:
    """Any way to write the path with words in place of what differs, such as `/studies/N/items`."""
    parts = re.split(r"\{[^}]*\}", path)
    return re.compile(f"`{'[^/`]+'.join(map(re.escape, parts))}(?:\\?[^`]*)?`")


def test_every_command_is_in_the_table_of_commands_and_no_other_is() -> None:
    assert sorted(re.findall(r"`crucible ([a-z]+)`", " ".join(ROWS))) == NAMES
    assert len(NAMES) == len(COMMANDS)


@pytest.mark.parametrize("row", ROWS)
def test_the_page_that_the_table_points_to_tells_of_the_command(row: str) -> None:
    (target,) = re.findall(r"\]\(([\w./-]*)(?:#[\w-]+)?\)", row)
    told = (DOCS / (target or "commands.md")).read_text()
    for name in re.findall(r"`(crucible [a-z]+)`", row):
        assert name in told, f"{target} does not tell of {name}"


@pytest.mark.parametrize("path", sorted(set(paths())))
def test_every_page_of_the_dashboard_is_told_of(path: str) -> None:
    assert as_written(path).search((DOCS / "dashboard.md").read_text()), f"no such page: {path}"
