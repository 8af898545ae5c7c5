"""Makes candidates: recipes, merge operators, checkpoints in and out.

`recipe.py` (with `rules.py`, `fields.py`) says what a merged model is, `methods.py` which methods there are;
`locate.py`, `checkpoint.py`, `fingerprint.py` and `family.py` find models, map them and check that they
belong together, by the names that `layout.py` explains; `operators.py` and `masks.py` are the arithmetic;
`worker.py` applies it tensor by tensor, and `writer.py` puts the result on disk; `dialect.py` reads
mergekit's YAML and `dialect_out.py` writes it. This room imports no other room.
"""
