"""What people read: progress, tables, items, and the reference of the methods.

Begin with `tables.py` and `display.py`; `items.py` and `status.py` ask a store. May import `study_file`.
"""
