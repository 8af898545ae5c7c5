"""The study file: what a person writes to start a search, typed and checked.

Begin with `spec.py`; `search_space.py` is its largest section, `models.py` names the models,
`yaml_source.py` remembers lines for errors.
"""
