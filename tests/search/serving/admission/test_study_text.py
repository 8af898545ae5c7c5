"""A study file from the network is looked over before YAML makes anything of it."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from search.serving.admission.study_text import MOST_BYTES, check_text
from search.serving.refusals import Refused
from tests.search.conftest import TINY


def refusal(body: bytes) -> Refused:
    with pytest.raises(Refused) as refused:
        check_text(body)
    assert "\n" not in str(refused.value)
    return refused.value


def bomb(levels: int, width: int = 9) -> bytes:
    """Aliases of aliases: width to the power of levels entries in a few lines."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines).encode()


def test_an_ordinary_study_file_passes_as_it_is() -> None:
    text = (TINY / "study.yaml").read_text()
    assert check_text(text.encode()) == text


def test_aliases_that_stand_for_little_pass() -> None:
    assert check_text(b"a: &a [1, 2]\nb: *a\nc: {<<: {d: 1}}\n")


@pytest.mark.parametrize(
    "text",
    [
        b"a: !!python/object/apply:os.system ['true']",
        b"!!python/name:os.system",
        b"a: !include /etc/passwd",
        b"a: !!binary aGk=",
        b"%TAG ! tag:yaml.org,2002:python/\n---\na: !object/apply:os.system [x]",
        b"? !!str a\n: b",
        b"a: &x !!set {}",
    ],
)
def test_a_tag_is_refused_whatever_it_says(text: bytes) -> None:
    refused = refusal(text)
    assert refused.status == 400
    assert "tag" in str(refused)


@pytest.mark.parametrize(
    "text",
    [
        bomb(10),
        bomb(3, width=200),
        b"a: &a {k: 1}\n"
        + b"\n".join(b"b%d: {<<: [%s]}" % (n, b", ".join([b"*a"] * 2000)) for n in range(9)),
        b"[" + b"1," * 30_000 + b"]",
    ],
)
def test_entries_are_counted_with_aliases_written_out_and_refused_in_no_time(text: bytes) -> None:
    tracemalloc.start()
    began = time.monotonic()
    assert "too many" in str(refusal(text))
    assert time.monotonic() - began < 20
    assert tracemalloc.get_traced_memory()[1] < 100 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("text", [b"a: &a [*a]", b"a: *b", b"a: &a {<<: *a}"])
def test_an_alias_of_what_has_not_ended_is_refused(text: bytes) -> None:
    assert "alias" in str(refusal(text))


@pytest.mark.parametrize("text", [b"[" * 100_000, b"{a: " * 60, b"- " * 60 + b"a"])
def test_deep_nesting_is_refused_without_recursion(text: bytes) -> None:
    assert "nested" in str(refusal(text))


@pytest.mark.parametrize("value", [b"1" * 20_000, b"1:" * 20_000 + b"1", b'"' + b"x" * 20_000 + b'"'])
def test_a_number_that_would_take_minutes_to_read_is_too_long(value: bytes) -> None:
    assert "10000 characters" in str(refusal(b"a: " + value))


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"a: 1\n---\nb: 2\n", 400, "several documents"),
        (b"\xff\xfe", 400, "UTF-8"),
        (b"a: [1", 400, "not valid YAML"),
        (b"a: \x07", 400, "not valid YAML"),
        (b"#" * (MOST_BYTES + 1), 413, "1048576 bytes"),
    ],
)
def test_what_is_no_study_file_is_refused_in_one_line(body: bytes, status: int, told: str) -> None:
    refused = refusal(body)
    assert (refused.status, told in str(refused)) == (status, True)


def test_the_largest_text_is_looked_over_in_seconds() -> None:
    began = time.monotonic()
    check_text(b"# " + b"x" * (MOST_BYTES - 10) + b"\na: 1")
    refusal(b"a: " + b"x" * (MOST_BYTES - 10))
    assert time.monotonic() - began < 20
