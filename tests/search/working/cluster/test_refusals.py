"""What `crucible run --ray` refuses, in one line, before anything is started."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.search.conftest import Outcome

SERVER = "postgresql+psycopg://nobody@localhost:1/crucible"
Crucible = Callable[..., Outcome]


def test_a_database_that_only_this_machine_has_is_refused(study_file: Path, crucible: Crucible) -> None:
    refused = crucible("run", study_file, "--ray", "auto")
    assert refused.code == 2
    assert refused.err == (
        "crucible: --ray: workers on other machines cannot share sqlite:///crucible.db; give --storage the"
        " URL of a PostgreSQL database that all nodes reach (docs/ray.md)\n"
    )


def test_an_address_at_which_nobody_answers_is_refused(study_file: Path, crucible: Crucible) -> None:
    pytest.importorskip("ray", reason="placement on a cluster is tested where ray is installed")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    refused = crucible("run", study_file, "--storage", SERVER, "--ray", address, "--workers", 2)
    assert refused.code == 2
    assert refused.err == (
        f"crucible: --ray {address}: nothing answers there (Connection refused); `ray start --head` says its"
        " address\n"
    )


def test_an_address_of_no_form_that_ray_has_is_refused(study_file: Path, crucible: Crucible) -> None:
    refused = crucible("run", study_file, "--storage", SERVER, "--ray", "http://head:8265")
    assert refused.code == 2
    assert refused.err.startswith("crucible: --ray http://head:8265: must be HOST:PORT")
