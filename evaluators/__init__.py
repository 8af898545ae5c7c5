"""Judges: asks a candidate the items of a slice and grades its answers.

`slices.py` draws slices of items (`items.py`). `tasks.py` asks them as lm-eval would: `benchmarks.py` is the
table of what can be asked, `definitions.py` finds lm-eval's YAML, `rows.py` reads local JSONL, `prompts.py`
has lm-eval write the prompts. `reader.py` is a model's tokenizer, and `fit.py` finds what is too long for it.
`engine.py` is the seam to whatever generates text; `transformers_engine.py` generates in this process.
`graders.py` says which text is correct, `choices.py` which choice is meant, and `code_cases.py` takes code
and tests of an item apart. Model-written code runs in a sandbox: `sandbox.py` is the host's side, with
`sandbox_ways.py` (how one starts) and `sandbox_keeper.py` (one that runs). Inside are `sandbox_child.py` (its
first process), `sandbox_walls.py` and `sandbox_jail.py` (what closes it in), and per case `sandbox_tests.py`,
`sandbox_program.py` and `sandbox_wire.py` (the tests' process, the program's, and how they talk).
`judge.py` is the loop, `score.py` the plain data that other rooms may read, `errors.py` what can go wrong and
`quiet.py` keeps libraries off the terminal.
"""
