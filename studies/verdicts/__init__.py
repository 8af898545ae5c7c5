"""What the evidence proves: two candidates compared on the same items, and all of a study's ranked.

Begin with `leaderboard.py`; `together.py` is whose candidates are ranked, `holdout.py` who is
compared with whom, `parting.py` on which items, `paired.py` the statistics, `scores.py` what a slice is
scored by. May import `store`.
"""
