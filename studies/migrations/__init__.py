"""The history of our tables, applied by `studies/migrate.py`; `versions/` has the steps."""
