"""Log-probabilities of gold answers, and how the items of a slice are scored."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("crucible_evidence", sa.Column("logprob", sa.Float))
    # Before there was a choice, every answer was generated.
    op.add_column(
        "crucible_slices", sa.Column("scoring", sa.String, nullable=False, server_default="generate")
    )
