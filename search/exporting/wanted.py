"""What `crucible export` is asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from merging.methods.registry import nearest
from search.candidates.export import FORMATS
from search.errors import SearchError
from search.exporting.gguf import TYPES
from search.exporting.hub import Destination
from studies.verdicts.leaderboard import Row

GGUF = "gguf"
ALL_FORMATS = (*FORMATS, GGUF)
WHOLE = ("checkpoint", GGUF)
"""Formats that hold the merged weights, which can be asked and published."""
A_FEW = 8
"""Items that a checkpoint is asked again where nothing else is said."""


@dataclass(frozen=True)
class Proof:
    """How much is made sure of a checkpoint before it has its name."""

    items: int | None = None
    """To ask again: exactly so many, or none; None: a few, where the study's items can be laid out here."""
    skip: bool = False
    """Not even read it back."""
    study_file: Path | None = None

    @property
    def n(self) -> int:
        """Items to ask."""
        return A_FEW if self.items is None else self.items


@dataclass(frozen=True)
class Conversion:
    """How a checkpoint becomes GGUF."""

    converter: Path | None = None
    """llama.cpp's, or its folder; None: the one on PATH."""
    kind: str = "auto"


@dataclass(frozen=True)
class Wanted:
    """Which candidate, in which form, and where it is to go."""

    out: Path
    form: str = "mergekit"
    trial: int | None = None
    candidate: str | None = None
    proof: Proof = Proof()
    gguf: Conversion = Conversion()
    hub: Destination | None = None

    def check(self) -> None:
        """Refuse what means nothing together; raises SearchError."""
        if self.form not in ALL_FORMATS:
            raise SearchError(
                f"--format {self.form!r} is none of {', '.join(ALL_FORMATS)}{nearest(self.form, ALL_FORMATS)}"
            )
        if self.gguf.kind not in TYPES:
            said = f"{', '.join(TYPES)}{nearest(self.gguf.kind, TYPES)}"
            raise SearchError(f"--gguf-type {self.gguf.kind!r} is none of {said}")
        if self.form in WHOLE:
            return
        if self.hub is not None:
            raise SearchError(f"--push-to-hub goes with --format {' or '.join(WHOLE)}, not {self.form}")
        if self.proof.items:
            raise SearchError(f"--verify goes with --format {' or '.join(WHOLE)}, not {self.form}")


@dataclass(frozen=True)
class Taken:
    """What came of it."""

    row: Row
    path: Path
    said: Sequence[str] = ()
    """What was made sure of, and where else it is now."""


def proof_of(verify: int | None, no_verify: bool, study_file: Path | None) -> Proof:
    """What the options ask for; raises SearchError where they contradict each other."""
    if no_verify and (verify is not None or study_file is not None):
        other = "--verify" if verify is not None else "--study-file"
        raise SearchError(f"--no-verify and {other} contradict each other; give one of them")
    return Proof(verify, no_verify, study_file)


def destination(repo: str | None, private: bool, public: bool) -> Destination | None:
    """Where to push, if anywhere; raises SearchError for options that mean nothing together."""
    if private and public:
        raise SearchError("--private and --public contradict each other; give one of them")
    if repo is None:
        if private or public:
            raise SearchError(f"--{'public' if public else 'private'} goes with --push-to-hub OWNER/NAME")
        return None
    return Destination(repo, public)
