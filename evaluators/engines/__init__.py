"""What answers: engines behind one Protocol, weights in by name, prompts in as text, completions out.

Begin with `engine.py`, the Protocol. `transformers.py` computes in this process, `vllm/` in another,
`fake.py` not at all. `encoding.py` and `reader.py` are how texts become tokens, `likelihood.py` what
continuations are worth, `architecture.py` what a folder says of its model; `process.py`, `lifeline.py` and
`packing.py` are for engines in processes of their own. `breakdown.py` tells failures apart, `deadline.py`
ends what hangs. May import what the whole room shares.
"""
