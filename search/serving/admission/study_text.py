"""A study file that came over the network: looked over before YAML makes anything of it.

PyYAML builds what a text says before anyone can count it: aliases may say billions of entries in a few lines,
nested merge keys more, and a number of a megabyte of digits takes minutes. One pass over the events of its
parser, which builds nothing and does not recurse, bounds all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

from merging.shown import shown
from search.serving.refusals import Refused

MOST_BYTES = 1 << 20
MOST_ENTRIES = 20_000
"""Entries of a study file with all its aliases written out; one that a person wrote has a hundred."""
MOST_CHARACTERS = 10_000
"""Of one name, path or number."""
DEEPEST = 50


def check_text(body: bytes) -> str:
    """The text of a study file, once it is known to be harmless to read.

    Raises:
        Refused: it is too large, no UTF-8, no YAML, several documents, or has tags, too deep nesting, too
            many entries with its aliases written out, or an alias of what it lies in.
    """
    if len(body) > MOST_BYTES:
        raise Refused(413, f"a study file has at most {MOST_BYTES} bytes")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(400, "the study file is not UTF-8 text") from None
    try:
        _Count().look(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it has a character that YAML does not allow"
        raise Refused(400, f"study.yaml{line}: not valid YAML: {problem}") from None
    return text


@dataclass
class _Count:
    """How much the events so far stand for."""

    entries: int = 0
    documents: int = 0
    open: list[tuple[str | None, int]] = field(default_factory=list)
    """The anchor of each list or mapping that has not ended, and how many entries came before it."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Entries that an alias of each anchor stands for."""

    def look(self, text: str) -> None:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            self._event(event)
            if self.entries > MOST_ENTRIES:
                raise _refuse(event, "has too many entries, or aliases that stand for too many; shorten it")
            if len(self.open) > DEEPEST:
                raise _refuse(event, "is nested too deeply; a study file has four levels")

    def _event(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._document(event)
        elif isinstance(event, yaml.AliasEvent):
            self.entries += self._stands_for(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end()
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            self._begin(event)

    def _document(self, event: yaml.Event) -> None:
        self.documents += 1
        if self.documents > 1:
            raise _refuse(event, "holds several documents; submit one study at a time")

    def _begin(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is not None:
            raise _refuse(event, f"has the tag {shown(event.tag)}; a study file needs none, leave it out")
        if isinstance(event, yaml.CollectionStartEvent):
            self.open.append((event.anchor, self.entries))
            self.sizes.pop(event.anchor or "", None)
        elif event.anchor is not None:
            self.sizes[event.anchor] = 1
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > MOST_CHARACTERS:
            raise _refuse(event, f"has a value of more than {MOST_CHARACTERS} characters; shorten it")
        self.entries += 1

    def _end(self) -> None:
        anchor, before = self.open.pop()
        if anchor is not None:
            self.sizes[anchor] = self.entries - before

    def _stands_for(self, event: yaml.AliasEvent) -> int:
        if event.anchor not in self.sizes:
            raise _refuse(event, f"has an alias {shown(event.anchor)} of nothing that ended before it")
        return self.sizes[event.anchor]


def _refuse(event: yaml.Event, what: str) -> Refused:
    assert event.start_mark is not None, "events of a text have a place in it"
    return Refused(400, f"study.yaml:{event.start_mark.line + 1}: {what}")
