"""A real landscape, fast: true merges of the tiny models, asked true items, hundreds of answers a second.

Begin with `ground.py`, which scores a recipe. `llama.py` is the model and `decoding.py` what it answers;
`grading.py` judges. `named.py` has the landscapes, `objective.py` counts what a search spends on one,
`entries.py` has the searches, `races.py` what racing did to one; `findings/` tells of them.
"""
