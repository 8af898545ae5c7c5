"""What racing spared, in words."""

from __future__ import annotations

from search.showing.tables import console
from studies.store import StudyStore
from studies.verdicts.savings import Savings, savings

UNRANKED = "Who was stopped is not ranked."


def told(saved: Savings) -> str:
    """One line: how many trials were stopped, and what that saved."""
    return (
        f"Racing stopped {saved.pruned} of {saved.trials} trials early: {saved.items_saved:,} of"
        f" {saved.items:,} items saved ({saved.share:.0%}), about {saved.tokens_saved:,} tokens."
    )


def show_savings(url: str, study: str, *, named: bool = False) -> None:
    """Print it, where any trial was stopped; with the study's name, if that is to be said."""
    with StudyStore(url, create=False, patience=0.0) as store:
        saved = savings(store, store.study(study))
    if saved is not None and saved.pruned:
        whose = f"{study}: " if named else ""
        console().print(f"{whose}{told(saved)} {UNRANKED}", style="dim", highlight=False, soft_wrap=True)
