"""Proposals are made on the databases that studies live in."""

from __future__ import annotations

from tests.studies.conftest import postgres, postgres_url, sqlite_url, url

__all__ = ["postgres", "postgres_url", "sqlite_url", "url"]
