"""A Ray cluster of two nodes on loopback, and a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.search.working.cluster.nodes import CannotStart, Cluster
from tests.studies.conftest import postgres, postgres_url

__all__ = ["postgres", "postgres_url"]

SECOND = "127.0.0.3"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """127.0.0.2, the head, and 127.0.0.3, with a core each."""
    pytest.importorskip("ray", reason="placement on a cluster is tested where ray is installed")
    cluster = Cluster()
    try:
        cluster.head(cores=1)
        cluster.add(SECOND, cores=1)
        yield cluster
    except CannotStart as reason:
        pytest.skip(f"Ray can't start two nodes on loopback here: {reason}")
    finally:
        cluster.close()
