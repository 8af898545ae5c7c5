"""The room that makes: candidates from recipes, merge methods, checkpoints in and out.

`recipe/` says what a merge is, `methods/` which methods there are and what they compute. `models/` reads
and writes checkpoints, `family/` makes a family of models as users have them. `statistics/` is what is
known before any candidate, `worker/` makes candidates, `mergekit/` is its YAML and its arithmetic. All
floors may import `errors.py`, `shown.py` (users' data in messages) and `layout.py` (where a tensor sits,
told from its name).

This room imports no other room.
"""
