"""Python objects as text, for channels that carry text only."""

from __future__ import annotations

import base64
import pickle
from typing import Any


def pack(thing: Any) -> str:
    """Pickled, as text."""
    return base64.b85encode(pickle.dumps(thing)).decode()


def unpack(text: str) -> Any:
    """What `pack` packed. Unpickling runs code: only for text from a process that this one trusts."""
    return pickle.loads(base64.b85decode(text))
