"""What search spaces are made of, beside one number per site: gradients over the layers, paths through them.

`sites.py` cuts a model into layer groups and names them, `gradients.py` draws lines over the layers,
`paths.py` chooses which model gives which layers, and how often. May import what `proposals` may.
"""
