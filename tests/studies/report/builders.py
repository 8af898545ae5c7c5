"""Small studies to report on, and a reader that sees of a page what a person does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from studies.report.write import write_report
from studies.store import StudyStore
from studies.store.identity import JSON
from studies.store.readonly import ReadOnlyStore
from studies.store.rows import CandidateKind
from tests.studies.builders import enter, make_results, make_slice

SEARCH, HOLDOUT = 20, 100
HOSTILE = "<script>alert('$x_1$ & \"y\"')</script>"


class Study:
    """A study of two slices; a candidate is entered with how many of each slice's items it gets right."""

    def __init__(
        self,
        url: str,
        name: str = "tiny",
        *,
        objective: JSON = "accuracy",
        slices: Sequence[str] = ("gsm8k", "math"),
        experts: Sequence[str] = ("math", "code"),
        search: bool = True,
    ) -> None:
        self.url, self.name, self.experts, self.weight = url, name, experts, 0.0
        self.store = StudyStore(url)
        said: dict[str, JSON] = {"name": name, "objective": objective, "budget": {"trials": 4}}
        identity: dict[str, JSON] = {"models": {each: {} for each in ("base", *experts)}, "study": said}
        self.id = self.store.begin(name, identity if search else {"models": identity["models"]})
        self.parts = [
            make_slice(each, split, n)
            for split, n in (("search", SEARCH), ("holdout", HOLDOUT))
            for each in slices
        ]  # type: ignore[arg-type]
        self.store.add_slices(self.id, self.parts)

    def add(
        self, name: str, kind: CandidateKind, search: Sequence[int] = (), holdout: Sequence[int] = ()
    ) -> str:
        """A candidate that answered so many items of each slice rightly."""
        self.weight += 0.05
        trial = int(name.split()[1]) if kind == "trial" else None
        digest = enter(self.store, self.id, kind, name, self.weight, trial)
        of = [part for part in self.parts if part.split == "search"]
        judging = [part for part in self.parts if part.split == "holdout"]
        for part, right in (*zip(of, search, strict=False), *zip(judging, holdout, strict=False)):
            self.store.record(digest, part.digest, make_results(item < right for item in range(part.n)))
        return digest

    def add_baselines(self) -> None:
        """Base, two experts and the uniform merge, judged."""
        self.add("base", "base", (8, 8), (40, 40))
        self.add(self.experts[0], "expert", (4, 16), (22, 80))
        self.add(self.experts[1], "expert", (12, 4), (60, 20))
        self.add("uniform", "uniform", (9, 9), (44, 46))

    def finish(self) -> Study:
        """A study whose third trial is far better than all baselines."""
        self.add_baselines()
        self.add("trial 0", "trial", (9, 10))
        self.add("trial 1", "trial", (13, 12), (61, 58))
        self.add("trial 2", "trial", (17, 16), (84, 78))
        self.add("trial 3", "trial", (10, 8))
        self.store.set_state(self.id, "complete")
        return self

    def html(self, folder: Path) -> str:
        """Its report."""
        with ReadOnlyStore(self.url) as store:
            return write_report(store, self.name, folder / "report.html", "html").path.read_text()

    def markdown(self, folder: Path) -> str:
        """Its report for a repository."""
        with ReadOnlyStore(self.url) as store:
            return write_report(store, self.name, folder / "report.md", "md").path.read_text()


@dataclass
class Page(HTMLParser):
    """What is on a page: elements, text as it is read, and tables cell by cell."""

    elements: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)
    pieces: list[tuple[str, str]] = field(default_factory=list)
    """Text with the element that it stands in."""
    style: str = ""

    @classmethod
    def read(cls, html: str) -> Page:
        """Parse the page."""
        page = cls()
        HTMLParser.__init__(page)
        page.inside: list[str] = []  # type: ignore[misc]
        page.feed(html)
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.inside = [*self.inside, tag]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" in self.inside:
            self.style += data
        elif data.strip():
            self.pieces.append((self.inside[-1], data))
            if {"td", "th"} & set(self.inside):
                cell = self.tables[-1][-1]
                cell[-1] = f"{cell[-1]} {data.strip()}".strip()

    @property
    def text(self) -> str:
        """All of it, with single spaces."""
        return " ".join(" ".join(piece for _, piece in self.pieces).split())

    def all(self, tag: str) -> list[str]:
        """The texts that stand directly in such elements."""
        return [piece.strip() for inside, piece in self.pieces if inside == tag]

    def tags(self) -> set[str]:
        """The kinds of elements that are there."""
        return {tag for tag, _ in self.elements}
