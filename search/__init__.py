"""The room that proposes: what to try next, and the command line. The only room that knows all others.

`spec` reads a study file, `space` turns a sampler's numbers into recipes, `baselines` names what every
merge has to beat, `workshop` opens models and slices, `trials` is Optuna's ledger, `runner` is the search
itself, `display` shows it, and `cli` is the `crucible` command.
"""
