"""Fusion functions, the loss, and the training loop that goes on where it was killed.

Begin with `train.py`. What a fusion teaches is made of the sources' distributions in `functions.py`;
`batch.py` lays it beside the target's tokens, `loss.py` compares. May import `models`.
"""
