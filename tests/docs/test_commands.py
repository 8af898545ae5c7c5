"""Every `crucible` command that a page or the README shows is one that there is, with options that it has."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from search.cli import app
from tests.docs.pages import DOCS, commands

BEGINS = re.compile(r"^(?:exec |nohup )?(crucible [a-z][^&>#]*)")
PAGES = ("one-machine.md", "ray.md", "report.md", "slurm.md")


@pytest.mark.parametrize("page", PAGES)
def test_a_pages_commands_are_such_as_there_are(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.yaml").touch()
    found = [each for line in commands(page) for each in BEGINS.findall(line)]
    assert found
    for each in found:
        name, *arguments = shlex.split(each)[1:]
        get_command(app).commands[name].make_context(name, arguments)  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", PAGES)
def test_the_extras_that_a_page_installs_are_there(page: str) -> None:
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["project"]
    for extras in re.findall(r"pip install 'crucible\[(.*?)\]'", (DOCS / page).read_text()):
        assert set(extras.split(",")) <= set(project["optional-dependencies"])


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_that_a_page_points_to_are_there_and_have_such_a_heading(page: str) -> None:
    for target, anchor in re.findall(r"\]\(([\w./-]+\.md)?(?:#([\w-]+))?\)", (DOCS / page).read_text()):
        headings = re.findall(r"^#+ (.*)$", (DOCS / (target or page)).read_text(), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
        assert not anchor or anchor in anchors, f"{target}#{anchor}"
