"""What commands call so that whoever sleeps hears of a study.

A command that runs a study makes three calls, in this order:

1. `configure_logs(log)` (`logs.py`), the first thing it does.
2. `with signalling(signals, url, spec.name):` around all work on the study, opening its models included,
   inside `resumable` and outside the register: this process's worker has left when the block ends. The parent
   of several workers calls it, and its workers do not; a `crucible worker` that was started by hand may.
3. `log_step` (`logs.py`) as the `report` of the work where `structured()`; nothing is displayed beside it.

A worker's beats say what its GPUs hold if its `stats` go through `with_gpus` (`gpus.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

logger = logging.getLogger(__name__)

STALL_MINUTES = 30.0


@dataclass(frozen=True)
class Signals:
    """Who is told of a study."""

    webhook: str | None = None
    """An address that is told when the study ends, fails or stalls."""
    stall_minutes: float = STALL_MINUTES
    """Without evidence, with workers at work, before it counts as stalled."""
    metrics: int | None = None
    """A port of this machine's loopback where Prometheus finds metrics."""


@contextmanager
def signalling(signals: Signals, url: str, study: str) -> Iterator[None]:
    """Signal as asked while the block works on the study, and how it ended.

    Raises SearchError, before the block, for an address or a port that cannot be used.
    """
    with ExitStack() as stack:
        if signals.metrics is not None:
            from search.signals.exporter import serving_metrics

            port = stack.enter_context(serving_metrics(url, signals.metrics))
            logger.info("metrics: http://127.0.0.1:%d/metrics", port)
        if signals.webhook is not None:
            from search.signals.watch import watching
            from search.signals.webhook import open_webhook

            webhook, limit = open_webhook(signals.webhook), signals.stall_minutes * 60
            stack.enter_context(watching(webhook, url, study, stalls_after_s=limit))
        yield
