"""The history of our tables, applied by `studies/store/migrate.py`; `versions/` has the steps."""
