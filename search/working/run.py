"""A study run to its verdict, shown as it goes: by this process, or by several that it starts."""

from __future__ import annotations

from pathlib import Path

from search.running.ending import Halted
from search.running.known import Known
from search.showing.display import Display
from search.study_file.spec import StudySpec
from search.working.asking import take_back
from search.working.terms import Terms
from search.working.work import work
from studies.store import StudyStore
from studies.verdicts.leaderboard import Row, build_leaderboard


def run_study(
    spec: StudySpec,
    url: str,
    display: Display,
    *,
    trials: int | None = None,
    hours: float | None = None,
    until: float | None = None,
    anyway: bool = False,
    known: Known | None = None,
) -> list[Row]:
    """Run, or continue, the study until its budget is spent and its best are judged; return the leaderboard.

    `trials` (in all), `hours` (of this run) and `until` (seconds since 1970) win over the study's budget;
    `anyway` begins a search that no slice steers, too. What is `known` of base and experts already is not
    measured again.

    Raises:
        Halted: somebody asked that the study stop. And whatever `work` raises.
    """
    return run_alone(spec, url, Terms(trials, hours, until, anyway), display, known)


def run_terms(file: Path, spec: StudySpec, url: str, terms: Terms, display: Display) -> list[Row]:
    """Run, or continue, the study of that file with as many workers as the terms say; return the leaderboard.

    One worker is this process; several are processes of their own.
    """
    if terms.workers == 1:
        return run_alone(spec, url, terms, display)
    from search.working.parent import run_workers

    return run_workers(file, spec, url, terms, display)


def run_alone(
    spec: StudySpec, url: str, terms: Terms, display: Display, known: Known | None = None
) -> list[Row]:
    """Be the study's worker, and return its leaderboard."""
    with StudyStore(url) as store:
        if terms.failed is None:  # else it may have been asked of what this goes on with
            take_back(store, spec.name)
        with display.reporting() as report:
            if work(spec, url, terms, report, known, display.say) == "stopped":
                raise Halted("stop")
        return build_leaderboard(store, spec.name)
