"""The data as models read it, sources that are asked of it, and the target that learns from what they say.

Begin with `distilling.py`; `data.py` and `contamination.py` are the rows, `readings.py` each model's tokens
of them, `teachers.py` who is asked, and `lessons.py` what the target is taught.
"""
