"""Users' data in messages: as Python writes it, cut where a line would grow long."""

from __future__ import annotations

import reprlib
from typing import Any

_BRIEF = reprlib.Repr()
_BRIEF.maxlevel = 3
_BRIEF.maxlist = _BRIEF.maxtuple = _BRIEF.maxdict = _BRIEF.maxset = 6
_BRIEF.maxstring = _BRIEF.maxother = 200
_BRIEF.maxlong = 40


def shown(value: Any) -> str:
    """A value in one short line; the work is bounded, however large its aliases make it."""
    return _BRIEF.repr(value)
