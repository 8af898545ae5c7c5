"""Families, alignment and fusion: from a fusion file to fused models on a leaderboard.

May import `study_file`, `candidates`, `showing` and `running`.
"""
