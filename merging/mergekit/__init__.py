"""mergekit: its YAML, read and written, and its arithmetic, rounding for rounding.

Begin with `read.py` (a config in) and `write.py` (a recipe out); `frame.py`, `inputs.py`, `rules.py`,
`values.py` and `tokens.py` are parts of the dialect. `arithmetic.py` (with `sparsify.py`, `sphere.py`,
`sums.py`) is `compat: mergekit`. May import `recipe`, `methods` and `models`.
"""
