"""What a client is not told: where things lie on the service's machine, and how its database is reached."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from search.serving.refusals import one_line

_URL = re.compile(r"\b(?:sqlite|postgresql)(?:\+\w+)?://[^\s'\"]*[^\s'\":;,.]")
_QUOTED = re.compile(r"(['\"`])~?/[^'\"`]*\1")
_LEADING = re.compile(r"^~?/[^:]*(?=:)")
_PATH = re.compile(r"(?<![\w./~…-])~?/[^\s'\"`:;,()<>]+")


@dataclass(frozen=True)
class Discretion:
    """Texts without the folders of this machine: of a path its last part is left."""

    folders: tuple[str, ...]
    """Known ones, which may have names that no pattern would find the end of; the longest first."""

    @classmethod
    def about(cls, folders: Iterable[Path]) -> Discretion:
        """Keeps the given folders to itself, and those that every process has."""
        usual = (Path.cwd(), Path.home(), Path(tempfile.gettempdir()), Path(sys.prefix))
        known = {str(each) for folder in (*folders, *usual) for each in (folder, folder.resolve())} - {"/"}
        return cls(tuple(sorted(known, key=lambda each: (-len(each), each))))

    def __call__(self, text: str) -> str:
        """The text in one line of bounded length, fit for a client."""
        said = _URL.sub("URL", one_line(text))
        for folder in self.folders:
            said = said.replace(f"{folder}/", "…/").replace(folder, "…")
        said = _LEADING.sub(_last, said)
        said = _QUOTED.sub(lambda found: f"{found[1]}{_last(found)}{found[1]}", said)
        return _PATH.sub(_last, said)


def _last(found: re.Match[str]) -> str:
    return f"…/{found[0].strip(chr(39) + chr(34) + '`').rstrip('/').rpartition('/')[2]}"
