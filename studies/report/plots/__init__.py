"""The pictures of a report, through matplotlib: one kind a file, the same bytes for the same study.

Begin with `draw.py`. matplotlib is of the extra `plot`, and imported when something is drawn.
"""
