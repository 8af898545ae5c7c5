"""Checkpoints in and out: found, mapped, told apart by content, written whole or not at all.

Begin with `checkpoint.py` (one model on disk) and `writer.py` (one that is written). `locate.py` finds
models, `fingerprint.py` digests them, `pickles.py` reads what is not safetensors, `output_config.py` writes
the config of a merge. May import what all floors share.
"""
