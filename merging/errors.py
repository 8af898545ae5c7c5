"""What this room raises.

MergingError (ValueError)    the user can fix it: one line that names file, field or tensor, and the remedy
  RecipeError                a recipe or merge config that means no merge
  CheckpointError            a model that is missing, damaged or of another family
  OutputError                a place that cannot be written to
  CandidateError             a merge that came out as NaN or Inf: it fails that trial
"""

from __future__ import annotations


class MergingError(ValueError):
    """A request that cannot be merged as it stands; the message is one line with the remedy."""


class RecipeError(MergingError):
    """A recipe or merge config that means no merge."""


class CheckpointError(MergingError):
    """A model that is missing, damaged or of another family."""


class OutputError(MergingError):
    """A place that cannot be written to."""


class CandidateError(MergingError):
    """A merge that came out as NaN or Inf."""
