"""Optuna's trials in the tables that Optuna made: each thing done to them is one transaction.

Begin with `trials.py`; `rows.py` has what a trial is, `notes.py` what is kept with a study,
`estimates.py` what stopped trials are said to be worth, `tables.py` as
much of Optuna's schema as that takes.
Optuna itself, and how it draws, is no business of this room. May import `studies.store`.
"""

from studies.trials.estimates import estimates_of
from studies.trials.notes import notes_of
from studies.trials.rows import Standing, StoredTrial
from studies.trials.trials import Trials

__all__ = ["Standing", "StoredTrial", "Trials", "estimates_of", "notes_of"]
