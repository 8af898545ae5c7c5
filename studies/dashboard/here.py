"""What every page is answered from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import Request

from studies.dashboard.control import Control
from studies.dashboard.exporting import Exporter
from studies.dashboard.memory import Memory
from studies.dashboard.versions import Versions
from studies.dashboard.works import Works
from studies.store import StudyStore
from studies.store.rows import StudySummary
from studies.views.tallies import Tallies


@dataclass(frozen=True)
class Here:
    """A store, what was read of it before, and what may be done beside looking at it."""

    store: StudyStore
    control: Control | None = None
    """None where studies can only be looked at."""
    discretion: Callable[[str], str] = str
    """What is shown of a text that may name this machine's folders."""
    exporter: Exporter | None = None
    """Writes mergekit's YAML; None where nobody can open the models."""
    tallies: Tallies = field(default_factory=Tallies)
    memory: Memory = field(default_factory=Memory)
    versions: Versions = field(default_factory=Versions)
    works: Works = field(default_factory=Works)

    def study(self, request: Request) -> StudySummary:
        """The study that the path names by its id; answers 404 for any other."""
        wanted = int(request.path_params["study"])
        for each in self.memory.of(("studies",), self.versions.of_all(self.store), self.store.studies):
            if each.id == wanted:
                return each
        raise HTTPException(404, "There is no such study in this store.")


def here_of(request: Request) -> Here:
    """What the request is answered from."""
    here = request.app.state.here
    assert isinstance(here, Here)
    return here


def number_of(request: Request, name: str, default: int, *, least: int = 0, most: int = 2**31 - 1) -> int:
    """A whole number of the query; answers 400 for anything else."""
    said = request.query_params.get(name, "").strip()
    if not said:
        return default
    digits = said.removeprefix("-")
    if len(digits) <= 10 and digits.isascii() and digits.isdigit() and least <= int(said) <= most:
        return int(said)
    raise HTTPException(400, f"{name} must be a whole number from {least} to {most}.")


def choice_of(request: Request, name: str, choices: tuple[str, ...]) -> str:
    """One of several words of the query, by default the first; answers 400 for anything else."""
    said = request.query_params.get(name) or choices[0]
    if said in choices:
        return said
    raise HTTPException(400, f"{name} must be one of {', '.join(choices)}.")
