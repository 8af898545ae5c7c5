"""What the evidence proves: two candidates compared on the same items, and all of a study's ranked.

Begin with `leaderboard.py`; `together.py` is whose candidates are ranked, `holdout.py` who is
compared with whom, `parting.py` on which items, `paired.py` the statistics, `scores.py` what a slice is
scored by, `steering.py` a whole candidate, `reached.py` which goals it reached. `elimination.py` is whom no
round asks any more, `winner.py` what is told of the best. May import `store` and `objectives`.
"""
