"""The tables, all under a prefix of our own, because Optuna's live in the same database.

Evidence is append-only and belongs to a (subject, slice, item), not to a study: studies that ask one model
the same items share it. A subject is a recipe, or a model by its content. Texts are kept once each; times are
UTC, without zone. No foreign key leads into Optuna's.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

PREFIX = "crucible_"
VERSION_TABLE = f"{PREFIX}alembic_version"

metadata = MetaData()

studies = Table(
    f"{PREFIX}studies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("state", String, nullable=False),
    Column("reason", Text),
    Column("identity", JSON, nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("updated_at", DateTime, nullable=False),
    Column("asked", String),
)

subjects = Table(
    f"{PREFIX}subjects",
    metadata,
    Column("digest", String, primary_key=True),
    Column("kind", String, nullable=False, server_default="recipe"),
    Column("content", JSON, nullable=False),
)

slices = Table(
    f"{PREFIX}slices",
    metadata,
    Column("digest", String, primary_key=True),
    Column("task", String, nullable=False),
    Column("n", Integer, nullable=False),
    Column("scoring", String, nullable=False, server_default="generate"),
)

study_slices = Table(
    f"{PREFIX}study_slices",
    metadata,
    Column("study_id", ForeignKey(studies.c.id), primary_key=True),
    Column("split", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("slice_digest", ForeignKey(slices.c.digest), nullable=False),
)

candidates = Table(
    f"{PREFIX}candidates",
    metadata,
    Column("study_id", ForeignKey(studies.c.id), primary_key=True),
    Column("kind", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("trial", Integer),
    Column("digest", ForeignKey(subjects.c.digest), nullable=False),
    Column("state", String, nullable=False),
    Column("reason", Text),
    Column("created_at", DateTime, nullable=False),
    Column("updated_at", DateTime, nullable=False),
    Column("failure", String),
)

outputs = Table(
    f"{PREFIX}outputs",
    metadata,
    Column("hash", String, primary_key=True),
    Column("text", Text, nullable=False),
)

evidence = Table(
    f"{PREFIX}evidence",
    metadata,
    Column("subject_digest", ForeignKey(subjects.c.digest), primary_key=True),
    Column("slice_digest", ForeignKey(slices.c.digest), primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("correct", Boolean, nullable=False),
    Column("output_hash", ForeignKey(outputs.c.hash), nullable=False),
    Column("extracted", Text),
    Column("tokens", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("prompt_hash", String, nullable=False),
    Column("measured_at", DateTime, nullable=False),
    Column("logprob", Float),
    # The key is most of a row: SQLite would otherwise keep it twice.
    sqlite_with_rowid=False,
)

selections = Table(
    f"{PREFIX}selections",
    metadata,
    Column("study_id", ForeignKey(studies.c.id), primary_key=True),
    Column("selection", JSON, nullable=False),
    Column("created_at", DateTime, nullable=False),
)

training = Table(
    f"{PREFIX}training",
    metadata,
    Column("study_id", ForeignKey(studies.c.id), primary_key=True),
    Column("run", String, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("metrics", JSON, nullable=False),
    Column("at", DateTime, nullable=False),
)

workers = Table(
    f"{PREFIX}workers",
    metadata,
    Column("id", String, primary_key=True),
    Column("study_id", ForeignKey(studies.c.id), nullable=False),
    Column("host", String, nullable=False),
    Column("boot", String, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started", String, nullable=False),
    Column("place", JSON, nullable=False),
    Column("beats", Integer, nullable=False),
    Column("doing", Text),
    Column("state", String, nullable=False),
    Column("reason", Text),
    Column("stats", JSON, nullable=False),
    Column("joined_at", DateTime, nullable=False),
    Column("updated_at", DateTime, nullable=False),
    Index(f"{PREFIX}workers_of_a_study", "study_id", "state"),
)

holds = Table(
    f"{PREFIX}holds",
    metadata,
    Column("study_id", ForeignKey(studies.c.id), primary_key=True),
    Column("stage", String, primary_key=True),
    Column("name", String, primary_key=True),
    # Null: nobody's now, after its worker died.
    Column("worker_id", ForeignKey(workers.c.id)),
    Column("deaths", Integer, nullable=False),
    Column("updated_at", DateTime, nullable=False),
)

submissions = Table(
    f"{PREFIX}submissions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("study", Text, nullable=False),
    Column("folder", String, nullable=False),
    Column("options", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", Text),
    Column("submitted_at", DateTime, nullable=False),
    Column("updated_at", DateTime, nullable=False),
)
