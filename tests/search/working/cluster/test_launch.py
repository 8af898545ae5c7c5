"""What is said where there is no cluster, no place on it, or nothing that a worker could do there."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from search.errors import SearchError
from search.study_file.spec import EngineSpec
from search.working.cluster import launch
from search.working.cluster.launch import order_of
from tests.search.working.cluster.carrying import carry_out


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text("name: tiny\n")
    return path


def test_without_ray_the_remedy_is_named(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SearchError, match=r"Ray is not installed; pip install 'crucible\[ray\]'"):
        order_of("auto", study, EngineSpec(), [["-m", "search"]], {})


def test_what_answers_and_is_no_ray_is_given_up_after_a_while(study: Path) -> None:
    pytest.importorskip("ray", reason="placement on a cluster is tested where ray is installed")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        order = order_of(address, study, EngineSpec(), [["-m", "search"]], {})
        with pytest.raises(SearchError, match=rf"--ray {address}: .* not let this machine join .*within 2 s"):
            carry_out(order, connect_s=2.0)
