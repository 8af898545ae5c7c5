"""A module for each page: it reads views, and hands them to a template.

Each has `ROUTES`, which `studies/dashboard/app.py` gathers. `overview.py` is all studies, `study.py` one.
"""
