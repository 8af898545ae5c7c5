"""What a study file from the network may say, and read: judged before anything is opened.

Begin with `admit.py`; `study_text.py` bounds what YAML would make of a text, `model_folders.py` what a path
may lead to.
"""
