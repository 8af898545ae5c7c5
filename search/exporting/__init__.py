"""A candidate taken along: written, proven to be what was measured, converted, published.

Begin with `take.py`, the whole way, and `wanted.py`, what it is asked for. `prove.py` makes sure of a written
checkpoint: `questions.py` lays a study's items out again, `rescore.py` asks a few of them. `gguf.py` runs
llama.cpp's converter, `hub.py` talks to the hub. May import `study_file`, `candidates` and `running`.
"""
