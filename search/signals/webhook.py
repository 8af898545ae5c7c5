"""Delivers events to one address, beside the run: it neither waits for them nor fails with them."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from search.errors import SearchError
from search.signals.address import checked, hidden
from search.signals.event import Event
from studies.store.patience import pauses

logger = logging.getLogger(__name__)

ANSWER_S = 10.0
"""Seconds that a receiver may let each step (connecting, sending, answering) take."""
PATIENCE_S = 300.0
"""Seconds over which an event is tried while the run goes on."""
FAREWELL_S = 10.0
"""Seconds that the end of a run waits, at most, for what is under way."""
HURRIED_S = 1.0
"""Seconds between tries, at most, once the run has ended."""
AGAIN = (408, 425, 429)
"""Answers that ask for another try, beside all from 500 on."""

Make = Callable[[], Event | None]


class _Undelivered(Exception):  # noqa: N818 - an attempt's outcome, which never leaves this file
    """An attempt came to nothing."""


class _TryAgain(_Undelivered):
    """Another attempt may succeed."""


@dataclass
class Webhook:
    """An address that is told of events, each in a thread of its own, so that none waits for another."""

    address: str
    client: httpx.Client
    patience_s: float = PATIENCE_S
    farewell_s: float = FAREWELL_S
    _under_way: list[threading.Thread] = field(default_factory=list)
    _hurry: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)

    def tell(self, make: Make) -> None:
        """Deliver the event that `make` returns, if it returns one; returns at once."""
        thread = threading.Thread(target=self._tell, args=(make,), name="crucible webhook", daemon=True)
        self._under_way.append(thread)
        thread.start()

    def close(self) -> None:
        """Wait for what is under way, `farewell_s` at most; what isn't delivered by then never is."""
        self._hurry.set()
        until = time.monotonic() + self.farewell_s
        for thread in self._under_way:
            thread.join(max(0.0, until - time.monotonic()))
        self._over.set()
        if any(thread.is_alive() for thread in self._under_way):
            logger.warning(
                "webhook %s: not delivered: no answer within %g s of the run's end",
                hidden(self.address),
                self.farewell_s,
            )
        else:
            self.client.close()

    def _tell(self, make: Make) -> None:
        event = make()
        if event is None:
            return
        try:
            self._deliver(event)
        except _Undelivered as failure:
            if not self._over.is_set():  # else `close` has said so
                logger.warning("webhook %s: %r not delivered: %s", hidden(self.address), event.kind, failure)
        else:
            logger.info("webhook %s: told of %r, study %r", hidden(self.address), event.kind, event.study)

    def _deliver(self, event: Event) -> None:
        until = time.monotonic() + self.patience_s
        for pause in pauses():
            try:
                return self._attempt(event)
            except _TryAgain:
                if self._over.is_set() or time.monotonic() + pause > until:
                    raise
                self._rest(pause)

    def _rest(self, seconds: float) -> None:
        """Wait before the next attempt; not long where the run ends meanwhile, or has ended."""
        if self._hurry.is_set():
            time.sleep(min(seconds, HURRIED_S))
        else:
            self._hurry.wait(seconds)

    def _attempt(self, event: Event) -> None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": event.id}
        body = json.dumps(event.body())
        try:
            # Streamed: the answer's status is all that is read of it, however long it is.
            with self.client.stream("POST", self.address, content=body, headers=headers) as answer:
                status = answer.status_code
        except httpx.TimeoutException:
            raise _TryAgain(f"no answer within {ANSWER_S:g} s") from None
        except httpx.RequestError as error:
            said = str(error).replace(self.address, hidden(self.address)) or type(error).__name__
            raise _TryAgain(said) from None
        _check(status)


def open_webhook(address: str, *, patience_s: float = PATIENCE_S, farewell_s: float = FAREWELL_S) -> Webhook:
    """The webhook at that address; nothing is sent yet.

    Raises SearchError if it is no address, or the environment names a proxy that cannot be used.
    """
    address = checked(address)
    try:
        httpx.URL(address)
        client = httpx.Client(follow_redirects=False, timeout=ANSWER_S, headers={"User-Agent": "crucible"})
    except (httpx.InvalidURL, ValueError, ImportError) as error:
        said = str(error).replace(address, hidden(address))
        raise SearchError(f"--webhook {hidden(address)}: {said}: check it, and HTTPS_PROXY") from None
    return Webhook(address, client, patience_s, farewell_s)


def _check(status: int) -> None:
    if 200 <= status < 300:
        return
    if status in AGAIN or status >= 500:
        raise _TryAgain(f"it answered {status}")
    if 300 <= status < 400:
        raise _Undelivered(f"it answered {status}: redirects are not followed; give the address it leads to")
    raise _Undelivered(f"it answered {status}")
