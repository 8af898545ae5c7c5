"""What can go wrong, as one tree.

::

    ValueError                      what a user can put right: one line, exit code 2
    ├── SearchError                 search/: the study file, the command line
    │   ├── SpecError               a study file that does not say what it must
    │   ├── NothingSteers           no search item tells one baseline from another
    │   └── Hopeless                ten trials in a row failed of one thing
    ├── merging.errors.MergingError     recipes, checkpoints, output folders
    ├── evaluators.errors.EvaluatorsError   tasks, slices, items
    └── studies.errors.StudiesError     the study store
    RuntimeError
    └── evaluators.errors.EngineError   an engine that failed: the trial is unscored, never 0

Whatever makes a candidate fail is of a kind, which `failure_kind` tells.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

KINDS = ("not finite", "out of memory", "engine died", "deadline", "disk", "refused", "other")
"""Why candidates fail. `refused` is a request that means no merge or cannot be asked."""
_UNTOLD = ("refused", "other")
_FULL = (errno.ENOSPC, errno.EDQUOT)


class SearchError(ValueError):
    """Something that the user of a search can put right."""


class SpecError(SearchError):
    """A study file that does not say what it must; the message names file, line, field and remedy."""


class NothingSteers(SearchError):  # noqa: N818 - reads as the fact that it reports
    """No search slice of a study steers anything: a search would draw blindly."""


class Hopeless(SearchError):  # noqa: N818
    """Trials fail one after another, all of one thing."""


def failure_kind(error: BaseException) -> str:
    """Of what kind a candidate's failure is, one of KINDS: the error's own, else that of what caused it."""
    known = {kind: None for each in _causes(error) if (kind := _kind(each)) in KINDS}
    told = [kind for kind in known if kind not in _UNTOLD]
    return (*told, *(kind for kind in _UNTOLD if kind in known), "other")[0]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__


def _kind(error: BaseException) -> str | None:
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, OSError) and error.errno in _FULL:
        return "disk"
    return getattr(error, "kind", None)
