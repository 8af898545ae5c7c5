"""Stores on SQLite and PostgreSQL, as the studies' own tests have them."""

from __future__ import annotations

from tests.studies.conftest import postgres, postgres_url, sqlite_url, store, url

__all__ = ["postgres", "postgres_url", "sqlite_url", "store", "url"]
