"""Studies, recipes, slices, candidates, outputs and evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_studies()
    _create_recipes_and_slices()
    _create_candidates()
    _create_evidence()


def _create_studies() -> None:
    op.create_table(
        "crucible_studies",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False, unique=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("identity", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
    )


def _create_recipes_and_slices() -> None:
    op.create_table(
        "crucible_recipes",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("recipe", sa.JSON, nullable=False),
    )
    op.create_table(
        "crucible_slices",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("task", sa.String, nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
    )
    op.create_table(
        "crucible_study_slices",
        sa.Column("study_id", sa.Integer, sa.ForeignKey("crucible_studies.id"), primary_key=True),
        sa.Column("split", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("slice_digest", sa.String, sa.ForeignKey("crucible_slices.digest"), nullable=False),
    )


def _create_candidates() -> None:
    op.create_table(
        "crucible_candidates",
        sa.Column("study_id", sa.Integer, sa.ForeignKey("crucible_studies.id"), primary_key=True),
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("trial", sa.Integer),
        sa.Column("digest", sa.String, sa.ForeignKey("crucible_recipes.digest"), nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
    )


def _create_evidence() -> None:
    op.create_table(
        "crucible_outputs",
        sa.Column("hash", sa.String, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_table(
        "crucible_evidence",
        sa.Column("recipe_digest", sa.String, sa.ForeignKey("crucible_recipes.digest"), primary_key=True),
        sa.Column("slice_digest", sa.String, sa.ForeignKey("crucible_slices.digest"), primary_key=True),
        sa.Column("item", sa.Integer, primary_key=True),
        sa.Column("correct", sa.Boolean, nullable=False),
        sa.Column("output_hash", sa.String, sa.ForeignKey("crucible_outputs.hash"), nullable=False),
        sa.Column("extracted", sa.Text),
        sa.Column("tokens", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("prompt_hash", sa.String, nullable=False),
        sa.Column("measured_at", sa.DateTime, nullable=False),
        sqlite_with_rowid=False,
    )
