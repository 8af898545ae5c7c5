"""Where model-written code runs: no network, no files of ours, limits on all it can use.

Begin with `run.py`. `ways.py` says how a sandbox starts, `keeper.py` holds one that runs; `inside/` is all
that it sees of ours. May import what the whole room shares.
"""
