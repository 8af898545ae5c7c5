"""What the evidence proves: two candidates compared on the same items, and all of a study's ranked.

Begin with `leaderboard.py`; `paired.py` is the statistics, `scores.py` what a slice is scored by. May
import `store`.
"""
