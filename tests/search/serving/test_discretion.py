"""What a client is told names no folder of the service's machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.serving.discretion import Discretion

TELL = Discretion.about([Path("/srv/my models"), Path("/srv/service")])


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("/srv/my models/base: no such folder; check it", "…/base: no such folder; check it"),
        ("/srv/my models", "…"),
        ("/opt/a b/c.jsonl: cannot be read", "…/c.jsonl: cannot be read"),
        ("cannot open '/var/lib/x y/z.db' now", "cannot open '…/z.db' now"),
        ("in /etc/passwd, line 3", "in …/passwd, line 3"),
        ("~/models/x: no such", "…/x: no such"),
        ("storage sqlite:////srv/a/c.db has no study 'x'", "storage URL has no study 'x'"),
        ("storage postgresql+psycopg://me:***@db:5432/lab: refused", "storage URL: refused"),
        ("12/64 right, 0.5 trials/s of org/model", "12/64 right, 0.5 trials/s of org/model"),
        ("two\nlines", "two lines"),
    ],
)  # fmt: skip
def test_of_a_path_its_last_part_is_left(said: str, told: str) -> None:
    assert TELL(said) == told


def test_home_and_working_directory_are_known_without_being_said() -> None:
    assert str(Path.cwd()) not in TELL(f"see {Path.cwd()}")
    assert str(Path.home()) not in TELL(f"see {Path.home()} {Path.home()}/x")


def test_a_long_text_is_cut() -> None:
    assert len(TELL("x" * 10_000)) == 500
