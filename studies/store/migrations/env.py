"""Run by alembic: takes the connection that `studies/store/migrate.py` hands over, within its transaction."""

from __future__ import annotations

from alembic import context

from studies.store.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
context.run_migrations()
