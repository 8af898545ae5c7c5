"""Makes candidates: recipes, merge operators, checkpoints in and out.

What is merged: `recipe.py` (with `rules.py`, `stacking.py`, `canonical.py`) says what a merged model is,
`methods.py` which methods there are. `dialect.py` and its parts read mergekit's YAML, `dialect_out.py`
writes it.

Models come in by `prepare.py`: `locate.py`, `checkpoint.py`, `fingerprint.py` and `family.py` find them,
map them and check that they belong together, by the names that `layout.py` explains; `adapters.py`,
`vocabulary.py`, `alignment.py` and `pickles.py` change what has to change, which `overlay.py` keeps beside
the rest.

The arithmetic is pure: `operators.py` (task vectors), `geometry.py` (spheres), `selection.py`,
`spectral.py`, with `masks.py`, `sums.py` and `gram.py` below them; `mergekit.py` is the same as mergekit
rounds it.

A candidate is made by `worker.py`: `outline.py` says which tensors it is made of, `statistics.py` what is
known of them, `steps.py` (with `sparse_steps.py`) turns a recipe's numbers into one step per tensor,
`residency.py` brings tensors to where the merge runs, and `runner.py` runs the steps. `writer.py` puts the
result on disk.

This room imports no other room.
"""
