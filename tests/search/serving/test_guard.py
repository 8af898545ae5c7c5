"""Who may ask at all: with the token, from here, and from no foreign page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from search.errors import SearchError
from search.serving.settings import address_of
from tests.search.serving.conftest import HERE, YAML, Served, study_text

TOKEN = "correct-horse-battery"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def guarded(serving: Callable[..., Served]) -> Served:
    """A service that asks for a token."""
    return serving(token=TOKEN, host="0.0.0.0")


def test_every_path_asks_for_the_token_those_that_there_are_not_too(guarded: Served) -> None:
    paths = [path.replace("{name}", "x") for path in guarded.app.openapi()["paths"]]
    assert len(paths) >= 10
    for path in (*paths, "/openapi.json", "/none", "/"):
        for method in ("GET", "POST", "OPTIONS", "HEAD", "DELETE"):
            answer = guarded.ask(method, path)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), (method, path)


@pytest.mark.parametrize(
    "given",
    ["", "Bearer", "Bearer ", TOKEN, f"bearer {TOKEN}", f"Bearer {TOKEN} ", f"Bearer {TOKEN[:-1]}",
     f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer  {TOKEN}", "Bearer é"],
)  # fmt: skip
def test_a_token_is_right_or_wrong_as_a_whole(guarded: Served, given: str) -> None:
    answer = guarded.get("/healthz", headers={"Authorization": given.encode()})
    assert answer.status_code == 401
    assert TOKEN not in answer.text


def test_two_tokens_are_none(guarded: Served) -> None:
    both = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer x")]
    assert guarded.get("/healthz", headers=both).status_code == 401


def test_who_has_the_token_may_ask_by_any_name_of_the_machine(guarded: Served) -> None:
    assert guarded.get("/healthz", headers={**RIGHT, "Host": "gpu7.lab:8642"}).status_code == 200


def test_nothing_is_read_or_queued_without_the_token(guarded: Served) -> None:
    assert guarded.post("/studies", content=study_text(), headers=YAML).status_code == 401
    assert guarded.get("/studies", headers=RIGHT).json() == []


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "169.254.169.254", "[::1", "a@b"]
)
def test_without_a_token_a_name_that_is_not_this_machines_is_refused(served: Served, host: str) -> None:
    assert served.get("/studies", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8642", "localhost", "LOCALHOST:1", "[::1]:8642"])
def test_this_machine_is_known_by_its_names(served: Served, host: str) -> None:
    assert served.get("/studies", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8642"]
)
def test_a_foreign_page_is_refused_and_reads_nothing(served: Served, origin: str) -> None:
    answer = served.post("/studies", content=study_text(), headers={**YAML, "Origin": origin})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert served.get("/studies").json() == []


def test_the_services_own_page_may_ask(served: Served) -> None:
    assert served.get("/studies", headers={"Origin": HERE}).status_code == 200


@pytest.mark.parametrize("length", ["100000000", "1048577", "-1", "x", "9" * 5000, "²"])
def test_a_body_that_says_it_is_too_large_is_not_read(served: Served, length: str) -> None:
    read = False

    async def body():  # type: ignore[no-untyped-def]
        nonlocal read
        read = True
        yield b"x"

    answer = served.post("/studies", content=body(), headers={**YAML, "Content-Length": length.encode()})
    assert (answer.status_code, read) == (413, False)


class TestAddresses:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.9.9.9", "::1"])
    def test_loopback_needs_no_token(self, host: str) -> None:
        assert address_of(host, 0, None)[1] in (host, "127.0.0.1", "::1")

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "10.0.0.1"])
    def test_any_other_demands_one(self, host: str) -> None:
        with pytest.raises(SearchError, match="give --token, or CRUCIBLE_TOKEN in the environment"):
            address_of(host, 0, None)
        assert address_of(host, 0, "t")[1] == host

    @pytest.mark.parametrize("token", ["", " ", "a b", "ä", "a\n"])
    def test_a_token_that_no_header_can_hold_is_refused(self, token: str) -> None:
        with pytest.raises(SearchError, match="--token"):
            address_of("127.0.0.1", 0, token)

    @pytest.mark.parametrize("host", ["", "no.such.name.invalid", "a" * 300])
    def test_a_name_of_no_machine_is_refused(self, host: str) -> None:
        with pytest.raises(SearchError, match="no such address"):
            address_of(host, 0, "t")


def test_the_token_is_in_no_environment_of_a_study(guarded: Served, tmp_path: Path) -> None:
    from search.serving.child import command, environment

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRUCIBLE_TOKEN", TOKEN)
        found = environment(guarded.settings, ("2", "3"))
    assert TOKEN not in " ".join((*found.values(), *command("run", "x")))
    assert found["CUDA_VISIBLE_DEVICES"] == "2,3"
    assert found["HF_HUB_OFFLINE"] == "1"
