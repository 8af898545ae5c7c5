"""What this room raises.

MergingError (ValueError)    the user can fix it: one line that names file, field or tensor, and the remedy
  RecipeError                a recipe or merge config that means no merge
  CheckpointError            a model that is missing, damaged or of another family
    VocabularyError          models whose vocabularies differ, which `tokenizer_source` may align
  OutputError                a place that cannot be written to
  CandidateError             a merge that came out as NaN or Inf: it fails that trial
  DataError                  rows that a fusion cannot learn from, or that its models cannot share
  TrainingError              a fusion that cannot be trained as planned
"""

from __future__ import annotations

from typing import ClassVar


class MergingError(ValueError):
    """A request that cannot be merged as it stands; the message is one line with the remedy."""

    kind: ClassVar[str] = "refused"
    """By which failures of candidates are counted."""


class RecipeError(MergingError):
    """A recipe or merge config that means no merge."""


class CheckpointError(MergingError):
    """A model that is missing, damaged or of another family."""


class VocabularyError(CheckpointError):
    """Models whose vocabularies differ; whether they could be aligned is another question."""


class OutputError(MergingError):
    """A place that cannot be written to."""


class CandidateError(MergingError):
    """A merge that came out as NaN or Inf."""

    kind: ClassVar[str] = "not finite"


class DataError(MergingError):
    """Rows that a fusion cannot learn from, or that its models cannot share."""


class TrainingError(MergingError):
    """A fusion that cannot be trained as planned: settings, memory, or a loss that left the numbers."""
