"""Where a Ray cluster is: the forms of an address, and whether anything answers."""

from __future__ import annotations

import socket

import pytest

from search.errors import SearchError
from search.working.cluster.address import Address, knock, read_address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("head:6379", "head", 6379),
        ("10.0.0.7:6379", "10.0.0.7", 6379),
        ("ray://head:10001", "head", 10001),
        ("[::1]:6379", "::1", 6379),
        ("auto", None, None),
    ],
)
def test_the_forms_that_ray_has_are_read(text: str, host: str | None, port: int | None) -> None:
    assert read_address(text) == Address(text, host, port)


@pytest.mark.parametrize(
    "text",
    ["", "head", "head:", ":6379", "head:ray", "head:99999", "http://head:8265", "ray://head", "[::1:6379",
     "ray://head:1/x", "me@head:6379", "local"],
)  # fmt: skip
def test_anything_else_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(SearchError, match=r"must be HOST:PORT .* ray://HOST:PORT .* or `auto`") as refused:
        read_address(text)
    assert str(refused.value).startswith(f"--ray {text}: ")


def test_where_somebody_listens_a_knock_is_answered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        knock(read_address(f"127.0.0.1:{server.getsockname()[1]}"))


def test_where_nobody_listens_one_line_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(
        SearchError, match=rf"--ray 127\.0\.0\.1:{port}: nothing answers there \(Connection refused\)"
    ):
        knock(read_address(f"127.0.0.1:{port}"))


def test_a_host_that_no_name_server_knows_is_said_to_be_unknown() -> None:
    with pytest.raises(SearchError, match=r"nothing answers there \(.*(known|resolution).*\)"):
        knock(read_address("nobody.invalid:6379"))


def test_the_cluster_of_this_machine_has_no_door_to_knock_at() -> None:
    knock(read_address("auto"))
