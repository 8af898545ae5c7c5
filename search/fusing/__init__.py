"""Families, alignment and fusion: from a fusion file to fused models on a leaderboard.

Begin with `fuse.py`, the whole way. `plan.py` decides by the evidence of `members.py`, `preflight.py` checks,
`materials.py` writes models out, `learning/` teaches the target, `judging/` ranks what it became. May import
`study_file`, `candidates`, `showing` and `running`.
"""
