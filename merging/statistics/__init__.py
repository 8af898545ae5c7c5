"""What is known of models before any candidate: made once per expert or family, and kept on disk.

Begin with `known.py`; `magnitudes.py` orders elements so that no candidate sorts, `variances.py` is what
SCE selects by, `gram.py` what spherical merges need, `cache.py` the files. May import `methods` and
`models`.
"""
