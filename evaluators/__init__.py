"""Judges: asks a candidate the items of a slice and grades its answers.

`slices.py` makes slices from lm-eval's task definitions (`tasks.py`) over local JSONL (`rows.py`) or the hub.
`engine.py` is the seam to whatever generates text; `transformers_engine.py` generates in this process.
`graders.py` says what is correct, for code through `code_runner.py` and the bare interpreter `code_child.py`.
`judge.py` is the loop, `score.py` the plain data that other rooms may read, `errors.py` what can go wrong and
`quiet.py` keeps libraries off the terminal.
"""
