"""The landscape's answers on a GPU: passes of fixed shapes over all items of a split, recorded and replayed.

Begin with `replay.py`, which answers; `passes.py` is what the GPU does, `echoes.py` what is guessed.
"""
