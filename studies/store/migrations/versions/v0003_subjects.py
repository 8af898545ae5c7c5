"""Evidence of any model: recipes become subjects; decisions and training curves of fusions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # Renamed in place: nothing is copied, however large a store is.
    op.rename_table("crucible_recipes", "crucible_subjects")
    op.alter_column("crucible_subjects", "recipe", new_column_name="content")
    # Before other models could be asked, every subject was a recipe.
    op.add_column("crucible_subjects", sa.Column("kind", sa.String, nullable=False, server_default="recipe"))
    op.alter_column("crucible_evidence", "recipe_digest", new_column_name="subject_digest")
    _create_selections()
    _create_training()


def _create_selections() -> None:
    op.create_table(
        "crucible_selections",
        sa.Column("study_id", sa.Integer, sa.ForeignKey("crucible_studies.id"), primary_key=True),
        sa.Column("selection", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
    )


def _create_training() -> None:
    op.create_table(
        "crucible_training",
        sa.Column("study_id", sa.Integer, sa.ForeignKey("crucible_studies.id"), primary_key=True),
        sa.Column("run", sa.String, primary_key=True),
        sa.Column("step", sa.Integer, primary_key=True),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
