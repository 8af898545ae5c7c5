"""The commands in a page of docs/, as a reader would copy them."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: str) -> list[str]:
    """The shell blocks of a page, in its order."""
    return BLOCK.findall((DOCS / page).read_text())


def block(page: str, with_: str) -> str:
    """The only block with that text in it."""
    (found,) = [each for each in blocks(page) if with_ in each]
    return found


def commands(page: str) -> list[str]:
    """All lines that are commands."""
    lines = (line for each in blocks(page) for line in each.splitlines())
    return [line for line in lines if line.strip() and not line.startswith("#")]


def command(page: str, beginning: str) -> str:
    """The first command that begins so."""
    return next(line for line in commands(page) if line.startswith(beginning))


def put(text: str, *changes: tuple[str, str]) -> str:
    """The text with what is a reader's own put in; each thing must be there."""
    for old, new in changes:
        assert old in text, f"{old!r} is not in {text!r}"
        text = text.replace(old, new)
    return text
