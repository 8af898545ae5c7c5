"""Serves metrics over HTTP, on loopback alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from search.errors import SearchError
from search.signals.metrics import collect, up
from studies.errors import StudiesError
from studies.store import StudyStore

LOOPBACK = "127.0.0.1"


@contextmanager
def serving_metrics(url: str, port: int) -> Iterator[int]:
    """Serve the metrics of a storage at http://127.0.0.1:PORT/metrics while the block runs; yields the port.

    Port 0 takes a free one. Each scrape asks the database anew, beside the run.

    Raises SearchError if the port cannot be had.
    """
    registry = CollectorRegistry()
    registry.register(_Storage(url))
    try:
        server, thread = start_http_server(port, LOOPBACK, registry)
    except (OSError, OverflowError) as error:
        said = getattr(error, "strerror", None) or error
        raise SearchError(f"--metrics {port}: {said}: choose another port") from None
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class _Storage(Collector):
    """Looks at a storage whenever it is asked."""

    url: str

    def collect(self) -> Iterable[Metric]:
        try:
            with StudyStore(self.url, create=False, patience=0) as store:
                return collect(store)
        except StudiesError:
            return [up(False)]

    def describe(self) -> Iterable[Metric]:
        """Nothing: to register must not take the database."""
        return []
