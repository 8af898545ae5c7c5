"""What can go wrong, as one tree.

::

    ValueError                      what a user can put right: one line, exit code 2
    ├── SearchError                 search/: the study file, the command line
    │   ├── SpecError               a study file that does not say what it must
    │   └── NothingSteers           no search item tells one baseline from another
    ├── merging.errors.MergingError     recipes, checkpoints, output folders
    ├── evaluators.errors.EvaluatorsError   tasks, slices, items
    └── studies.errors.StudiesError     the study store
    RuntimeError
    └── evaluators.errors.EngineError   an engine that failed: the trial is unscored, never 0
"""

from __future__ import annotations


class SearchError(ValueError):
    """Something that the user of a search can put right."""


class SpecError(SearchError):
    """A study file that does not say what it must; the message names file, line, field and remedy."""


class NothingSteers(SearchError):  # noqa: N818 - reads as the fact that it reports
    """No search slice of a study steers anything: a search would draw blindly."""
