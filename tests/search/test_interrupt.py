"""A signal ends the work where that is safe, and is never lost."""

from __future__ import annotations

import signal

import pytest

from search.interrupt import Interrupted, exposed, interruptible, shielded

pytestmark = pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])


def test_it_interrupts_at_once_where_nothing_is_shielded(signum: signal.Signals) -> None:
    with pytest.raises(Interrupted, match=signum.name) as caught, interruptible():
        signal.raise_signal(signum)
        raise AssertionError("went on")
    assert caught.value.exit_code == 128 + signum


def test_a_shielded_block_comes_to_its_end_first(signum: signal.Signals) -> None:
    done = []
    with pytest.raises(Interrupted), interruptible():
        with shielded():
            signal.raise_signal(signum)
            done.append("written")
        done.append("went on")
    assert done == ["written"]


def test_an_exposed_block_inside_is_not_entered_after_a_signal(signum: signal.Signals) -> None:
    with pytest.raises(Interrupted), interruptible(), shielded():
        signal.raise_signal(signum)
        with exposed():
            raise AssertionError("went on")


def test_an_exposed_block_inside_is_interrupted_at_once(signum: signal.Signals) -> None:
    with pytest.raises(Interrupted), interruptible(), shielded(), exposed():
        signal.raise_signal(signum)
        raise AssertionError("went on")


def test_one_that_was_swallowed_comes_again_at_the_blocks_end(signum: signal.Signals) -> None:
    with pytest.raises(Interrupted), interruptible(), shielded():
        with exposed():
            try:
                signal.raise_signal(signum)
            except Interrupted:  # as a finaliser would
                pass
        raise AssertionError("went on")


def test_handlers_are_put_back(signum: signal.Signals) -> None:
    before = signal.getsignal(signum)
    with pytest.raises(Interrupted), interruptible():
        signal.raise_signal(signum)
    assert signal.getsignal(signum) is before
    with interruptible(), shielded(), exposed():
        pass
