"""Who may look: here anybody, elsewhere who knows the token; and no other site through a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from studies.dashboard.doors import COOKIE, LASTS_S, cookie_of
from studies.dashboard.headers import POLICY

TOKEN = "correct-horse-battery"
Asking = Callable[..., Any]


@pytest.mark.parametrize("path", ["/", "/nothing", "/static/live.js", "/studies/9"])
def test_every_answer_lets_browsers_take_nothing_from_elsewhere(asking: Asking, path: str) -> None:
    _, ask = asking()
    said = ask(path).headers
    assert said["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert (said["x-content-type-options"], said["referrer-policy"]) == ("nosniff", "same-origin")
    assert "frame-ancestors 'none'" in POLICY


def test_pages_hold_no_script_and_no_style_of_their_own(asking: Asking) -> None:
    store, ask = asking()
    store.begin("tiny", {})
    for path in ("/", "/studies/1"):
        text = ask(path).text
        assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", text) == []


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "169.254.169.254", "[::1"])
def test_without_a_token_it_answers_to_its_loopback_address_alone(asking: Asking, host: str) -> None:
    _, ask = asking()
    assert ask("/", headers={"Host": host}).status_code == 403
    assert ask("/", headers={"Host": "localhost:8643"}).status_code == 200


def test_no_other_sites_page_is_answered(asking: Asking) -> None:
    _, ask = asking()
    for method in ("GET", "POST"):
        assert ask("/act", method, headers={"Origin": "http://evil.example"}).status_code == 403
    assert ask("/act", "POST", headers={"Origin": "null"}).status_code == 403


def test_with_a_token_every_page_asks_for_it(asking: Asking) -> None:
    _, ask = asking(token=TOKEN, host="0.0.0.0")
    for path in ("/", "/live", "/studies/1", "/studies/1/curve.json", "/nothing"):
        answer = ask(path)
        assert answer.status_code == 401
        assert "Log in" in answer.text
    assert ask("/act", "POST").status_code == 401
    assert ask("/static/crucible.css").status_code == 200


def test_who_says_the_token_gets_a_cookie_that_no_script_reads(asking: Asking) -> None:
    _, ask = asking(token=TOKEN, host="0.0.0.0")
    answer = ask("/login", "POST", data={"token": TOKEN, "next": "/studies/3?x=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/studies/3?x=1")
    cookie = answer.headers["set-cookie"]
    assert TOKEN not in cookie
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", f"Max-Age={LASTS_S}"))
    value = cookie.split(";")[0].partition("=")[2]
    assert ask("/", headers={"Cookie": f"{COOKIE}={value}"}).status_code == 200


def test_a_program_says_it_in_a_header(asking: Asking) -> None:
    _, ask = asking(token=TOKEN, host="0.0.0.0")
    assert ask("/", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert ask("/", headers={"Authorization": "Bearer wrong"}).status_code == 401


@pytest.mark.parametrize("going", ["//evil.example", "/\\evil.example", "http://evil.example", "", "/\n/x"])
def test_after_the_token_nobody_is_sent_elsewhere(asking: Asking, going: str) -> None:
    _, ask = asking(token=TOKEN)
    answer = ask("/login", "POST", data={"token": TOKEN, "next": going})
    assert answer.headers["location"] == "/"


def test_a_wrong_token_is_told_and_opens_nothing(asking: Asking) -> None:
    _, ask = asking(token=TOKEN)
    answer = ask("/login", "POST", data={"token": "wrong", "next": "/"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
    assert "That is not the token." in answer.text


@pytest.mark.parametrize(
    "cookie",
    [
        cookie_of(TOKEN, 1),
        cookie_of("another", 2**33),
        cookie_of(TOKEN, 2**33) + "0",
        cookie_of(TOKEN, 2**33).replace(".", "0."),
        "",
        ".",
        f"{2**33}.",
        "é.x",
    ],
)
def test_a_cookie_that_is_old_or_made_up_opens_nothing(asking: Asking, cookie: str) -> None:
    _, ask = asking(token=TOKEN)
    assert ask("/", headers={"Cookie": f"{COOKIE}={cookie}".encode()}).status_code == 401


def test_who_logs_out_has_no_cookie(asking: Asking) -> None:
    _, ask = asking(token=TOKEN)
    said = ask("/logout", "POST", headers={"Authorization": f"Bearer {TOKEN}"}).headers["set-cookie"]
    assert said.startswith(f'{COOKIE}=""')


def test_much_is_not_taken(asking: Asking) -> None:
    _, ask = asking(token=TOKEN)
    assert ask("/login", "POST", data={"token": "x" * 5000}).status_code == 413
