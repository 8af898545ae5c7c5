"""The room that judges: asks a candidate the items of a slice and grades its answers.

`engines/` is what answers, `benchmarks/` what is asked and which answer is right, `sandbox/` where
model-written code runs. `judge.py` is the loop over all three, which grades one batch while the next is
answered; `score.py` is the plain data that other rooms may read, and `errors.py` what can go wrong. This room
imports no other room.
"""
