"""What the evidence proves: two candidates compared on the same items, and all of a study's ranked.

Begin with `leaderboard.py`; `holdout.py` is who is compared with whom, `paired.py` the statistics,
`scores.py` what a slice is scored by. May import `store`.
"""
