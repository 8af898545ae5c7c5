"""What a study file would do, and what is wrong with it, told before anything runs.

Begin with `check.py`; `dry_run.py` measures one trial, `forecast.py` says what that means for the budget, and
`chat.py` what a chat template would change.
"""
