"""What a source says of every token of a response, sparse: the likeliest few and the mass of the rest.

Begin with `data.py`: what is kept, and which row is which. `teacher.py` asks a model, `extract.py` keeps
its answers on disk (`shards.py`), `carry.py` brings them to the target's tokens through a `mapping.py`. May
import `alignment`.
"""
