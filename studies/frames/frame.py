"""Rows made a pandas frame, whose columns have the same types whatever rows there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from studies.errors import StudiesError

if TYPE_CHECKING:
    import pandas as pd

_WORDS = (
    *("candidate", "kind", "slice", "split", "scoring", "extracted", "prompt_hash", "text"),
    *("state", "worker", "failure", "reason", "digest", "study"),
)
_TIMES = ("started", "finished", "measured_at")


def frame_of(
    rows: Sequence[dict[str, Any]], index: str | None = None, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """A frame of the rows; what is missing is NaN in numbers, NaT in times and None in words.

    Raises StudiesError where pandas is not installed.
    """
    pandas = load_pandas()
    frame = pandas.DataFrame(rows, columns=columns)
    for name in frame.columns:
        if name == "trial":
            frame[name] = frame[name].astype("Int64")
        elif name in _TIMES:
            frame[name] = pandas.to_datetime(frame[name])
        elif name in _WORDS:
            frame[name] = frame[name].astype(object)
        elif frame[name].dtype == object and len(frame):
            frame[name] = frame[name].astype(float)
    return frame.set_index(index) if index is not None and len(frame) else frame


def load_pandas() -> Any:
    """The module; raises StudiesError with what to install."""
    try:
        import pandas
    except ModuleNotFoundError as error:
        remedy = "pip install 'crucible[frames]'"
        raise StudiesError(f"frames need the Python package {error.name}: {remedy}") from error
    return pandas
