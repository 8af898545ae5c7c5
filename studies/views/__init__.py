"""What people look at, as plain data: pure reads of a store, which pages, reports and plots are made of.

Begin with `studies.py`, all studies at a glance, and `trials.py`, one study's trials; `tallies.py` is what
answers add up to, read once. `curve.py` is the best so far, `spent.py` where the time goes, `merge.py` a
recipe layer by layer (its numbers are in `settings.py`), `slices.py` the trade-off between slices, `items.py`
single answers (`answers.py` in SQL), `parameters.py` what was drawn and `importance.py` which numbers matter,
`fusion.py` who learned from whom. `entries.py` and `scored.py` are what the others begin with. May import
every other floor of the room.
"""
