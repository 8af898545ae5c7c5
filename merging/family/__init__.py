"""Models as users have them, made into a family whose weights can be merged.

Begin with `prepare.py`, the one way in. `sameness.py` says whether models belong together (`configs.py` and
`harmless.py`: whether their configs mean the same); `adapters.py`, `vocabulary.py`, `alignment.py` change
what has to change, which `overlay.py` keeps beside the rest. `outfit.py` is what a merge has beside its
weights, `differences.py` what of that differs; `tokenizer_files.py` and `chat_template.py` are files beside
them. May import `models`.
"""
