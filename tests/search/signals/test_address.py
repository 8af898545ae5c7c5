"""Addresses of webhooks: what may be posted to, and what is never shown."""

from __future__ import annotations

import pytest

from search.errors import SearchError
from search.signals.address import checked, hidden

SECRET = "xoxb-SECRET"
GOOD = (
    f"https://hooks.example.com/services/T0/B0/{SECRET}",
    f"http://user:{SECRET}@127.0.0.1:8080/hook",
    f"https://example.com:443?token={SECRET}",
    f"http://[::1]:9000/{SECRET}",
    f"HTTPS://example.com/{SECRET}#part",
)


@pytest.mark.parametrize("address", GOOD)
def test_an_address_to_post_to_stays_as_it_is_and_is_shown_without_its_secrets(address: str) -> None:
    assert checked(address) == address
    assert SECRET not in hidden(address)


def test_what_is_shown_is_scheme_and_host() -> None:
    assert [hidden(each) for each in GOOD[:4]] == [
        "https://hooks.example.com/…",
        "http://127.0.0.1:8080/…",
        "https://example.com:443/…",
        "http://[::1]:9000/…",
    ]
    assert hidden("http://ntfy.example/") == "http://ntfy.example"


@pytest.mark.parametrize(
    "address",
    [
        "",
        SECRET,
        f"ftp://example.com/{SECRET}",
        f"file:///etc/{SECRET}",
        f"https:///{SECRET}",
        f"https://example.com:port/{SECRET}",
        f"https://example.com:99999/{SECRET}",
        f"https://exa mple.com/{SECRET}",
        f"https://example.com/{SECRET}\nHost: evil",
        f"https://evil.com\\@example.com/{SECRET}",
        f"http://[::1/{SECRET}",
        f"javascript:{SECRET}",
    ],
)
def test_what_is_no_such_address_is_refused_without_showing_it(address: str) -> None:
    with pytest.raises(SearchError, match=r"^--webhook: .* write https://HOST/PATH or http") as refused:
        checked(address)
    assert SECRET not in str(refused.value)
    assert "\n" not in str(refused.value)
