"""A signal ends the work where that is safe, and is never lost."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress

import pytest

from search.running.interrupt import Interrupted, exposed, interruptible, shielded

pytestmark = pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])

Work = Callable[[signal.Signals, list[str]], None]


def interrupted(work: Work, signum: signal.Signals) -> list[str]:
    """What the work said before it was interrupted."""
    said: list[str] = []
    before = signal.getsignal(signum)
    with pytest.raises(Interrupted, match=signum.name) as caught, interruptible():
        work(signum, said)
    assert caught.value.exit_code == 128 + signum
    assert signal.getsignal(signum) is before
    return said


def test_it_interrupts_at_once_where_nothing_is_shielded(signum: signal.Signals) -> None:
    def work(signum: signal.Signals, said: list[str]) -> None:
        signal.raise_signal(signum)
        said.append("went on")

    assert interrupted(work, signum) == []


def test_a_shielded_block_comes_to_its_end_first(signum: signal.Signals) -> None:
    def work(signum: signal.Signals, said: list[str]) -> None:
        with shielded():
            signal.raise_signal(signum)
            said.append("written")
        said.append("went on")

    assert interrupted(work, signum) == ["written"]


def test_an_exposed_block_inside_is_not_entered_after_a_signal(signum: signal.Signals) -> None:
    def work(signum: signal.Signals, said: list[str]) -> None:
        with shielded():
            signal.raise_signal(signum)
            with exposed():
                said.append("entered")

    assert interrupted(work, signum) == []


def test_an_exposed_block_inside_is_interrupted_at_once(signum: signal.Signals) -> None:
    def work(signum: signal.Signals, said: list[str]) -> None:
        with shielded(), exposed():
            signal.raise_signal(signum)
            said.append("went on")

    assert interrupted(work, signum) == []


def test_one_that_was_swallowed_comes_again_where_the_exposed_block_ends(signum: signal.Signals) -> None:
    def work(signum: signal.Signals, said: list[str]) -> None:
        with shielded():
            with exposed(), suppress(Interrupted):  # as a finaliser would
                signal.raise_signal(signum)
            said.append("went on")

    assert interrupted(work, signum) == []


def test_nothing_happens_without_a_signal(signum: signal.Signals) -> None:
    before = signal.getsignal(signum)
    with interruptible(), shielded(), exposed():
        pass
    assert signal.getsignal(signum) is before


def test_a_signal_that_was_ignored_before_stays_ignored(signum: signal.Signals) -> None:
    """As under nohup, and in the background of a shell that is no terminal's."""
    before = signal.signal(signum, signal.SIG_IGN)
    try:
        with interruptible():
            signal.raise_signal(signum)
        assert signal.getsignal(signum) == signal.SIG_IGN
    finally:
        signal.signal(signum, before)
