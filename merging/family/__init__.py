"""Models as users have them, made into a family whose weights can be merged.

Begin with `prepare.py`, the one way in. `sameness.py` says whether models belong together; `adapters.py`,
`vocabulary.py`, `alignment.py` change what has to change, which `overlay.py` keeps beside the rest;
`tokenizer_files.py` and `chat_template.py` are what lies beside the weights. May import `models`.
"""
