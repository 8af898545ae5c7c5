"""Many checkpoints, grouped into families whose weights can be merged.

Begin with `grouping.py`. `mergeable.py` asks `family` whether two models' weights can be added at all;
`sampling.py` and `likeness.py` compare the weights themselves, by some of their numbers; `bases.py` tells
which of a family's models the others were made from, `cautions.py` what a person should know of it.
May import `models` and `family`.
"""
