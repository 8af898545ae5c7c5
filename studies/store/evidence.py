"""Turns what an evaluator measured into rows of the evidence, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from evaluators.score import ItemResult


def output_rows(results: Iterable[ItemResult]) -> list[dict[str, str]]:
    """One row per distinct text, in the order of the hashes."""
    texts = {output_hash(text): text for text in (storable(result.text) for result in results)}
    # One order for all writers: PostgreSQL locks rows as it inserts them, and opposite orders would deadlock.
    return [{"hash": digest, "text": texts[digest]} for digest in sorted(texts)]


def evidence_rows(
    subject_digest: str, slice_digest: str, results: Iterable[ItemResult], measured_at: datetime
) -> list[dict[str, Any]]:
    """One row per item, in the order of the items."""
    return [
        {
            "subject_digest": subject_digest,
            "slice_digest": slice_digest,
            "item": result.item,
            "correct": result.correct,
            "output_hash": output_hash(storable(result.text)),
            "extracted": None if result.extracted is None else storable(result.extracted),
            "tokens": result.tokens,
            "seconds": result.seconds,
            "prompt_hash": result.prompt_hash,
            "measured_at": measured_at,
            "logprob": result.logprob,
        }
        for result in sorted(results, key=lambda result: result.item)
    ]


def read_result(row: Row[Any]) -> ItemResult:
    """The measurement that a row of `queries.select_results` holds."""
    return ItemResult(
        item=row.item,
        correct=row.correct,
        text=row.text,
        tokens=row.tokens,
        seconds=row.seconds,
        prompt_hash=row.prompt_hash,
        extracted=row.extracted,
        logprob=row.logprob,
    )


def storable(text: str) -> str:
    """The text as every database can hold it: PostgreSQL refuses NUL, and no encoding has lone surrogates."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode("utf-8")


def output_hash(text: str) -> str:
    """Names a text by its content (sha256, hex)."""
    return hashlib.sha256(text.encode()).hexdigest()
