"""The study file and the fusion file: what a person writes to start work, typed and checked.

Begin with `spec.py`; `search_space.py` is its largest section, `models.py` names the models, `fusion.py` is
the fusion file, `reading.py` turns a file into a section, `yaml_source.py` remembers lines for errors.
"""
