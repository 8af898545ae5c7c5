"""Candidates opened, made and handed over, in a search or without one.

Begin with `models.py` (the models that recipes speak of) and `candidate.py` (one on its way); `merge.py`
makes one from a config file, whose models `inputs.py` opens, `export.py` takes one out of a study,
whose names for its models `glossary.py` knows. `card.py` writes the model card: `originals.py` says where its
models are from, `licenses.py` what they say of themselves, `asked.py` and `verdict.py` what a study measured.
"""
