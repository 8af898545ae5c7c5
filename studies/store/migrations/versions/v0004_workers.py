"""Who works on a study: workers, what they hold, what they are asked; failures by kind; submitted studies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _create_workers()
    _create_holds()
    _create_submissions()
    op.add_column("crucible_studies", sa.Column("asked", sa.String))
    op.add_column("crucible_candidates", sa.Column("failure", sa.String))


def _create_workers() -> None:
    op.create_table(
        "crucible_workers",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("study_id", sa.Integer, sa.ForeignKey("crucible_studies.id"), nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("boot", sa.String, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started", sa.String, nullable=False),
        sa.Column("place", sa.JSON, nullable=False),
        sa.Column("beats", sa.Integer, nullable=False),
        sa.Column("doing", sa.Text),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("stats", sa.JSON, nullable=False),
        sa.Column("joined_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
    )
    op.create_index("crucible_workers_of_a_study", "crucible_workers", ["study_id", "state"])


def _create_holds() -> None:
    op.create_table(
        "crucible_holds",
        sa.Column("study_id", sa.Integer, sa.ForeignKey("crucible_studies.id"), primary_key=True),
        sa.Column("stage", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("worker_id", sa.String, sa.ForeignKey("crucible_workers.id")),
        sa.Column("deaths", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
    )


def _create_submissions() -> None:
    op.create_table(
        "crucible_submissions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False, unique=True),
        sa.Column("study", sa.Text, nullable=False),
        sa.Column("folder", sa.String, nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("submitted_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
    )
