"""Many checkpoints, grouped into families whose weights can be merged.

May import `models` and `family`.
"""
