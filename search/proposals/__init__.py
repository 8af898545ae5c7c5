"""What to try next: the search space, where a search begins, and Optuna's ledger of proposals.

Begin with `space.py`: a sampler's numbers in, a recipe out (`parameters.py`, `spaces/`); `translation.py` is
the way back. `baselines.py` is what every merge has to beat, `starting_points.py` what is tried first.
`ledger.py` is the only door to Optuna: `draw.py` asks its samplers, at a `desk.py` of ours, computes TPE
itself over arrays (`tpe.py`, `normal.py`), or asks our own (`samplers/`), from the trials that `history.py`
knows. May import `study_file`.
"""
