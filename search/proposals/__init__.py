"""What to try next: the search space, where a search begins, and Optuna's ledger of proposals.

Begin with `space.py`: a sampler's numbers in, a recipe out (`parameters.py`). `baselines.py` is what every
merge has to beat, `starting_points.py` what is tried first, `ledger.py` the only place that knows Optuna.
May import `study_file`.
"""
