"""What is asked and how it is judged: lm-eval's tasks over our rows, drawn into slices.

Begin with `catalogue.py`, the table of benchmarks, and `slices.py`, which draws items (`items.py`) of them.
`definitions.py` finds lm-eval's YAML, `rows.py` reads JSONL, `tasks.py` and `prompts.py` write the prompts,
`fit.py` finds those too long. `graders.py`, `choices.py` and `code_cases.py` judge, and `mathematics.py`,
which runs math-verify in a process of its own. May import `engines` (how texts are encoded, processes) and
`sandbox`.
"""
