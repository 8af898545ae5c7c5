"""The merge methods: a registry of what each reads and does, and the arithmetic that carries them out.

Begin with `registry.py`, plain data without torch. The arithmetic is pure: `operators.py` (task vectors),
`geometry.py` (spheres), `selection.py`, `spectral.py`, over `masks.py` (random numbers by position) and
`sums.py` (sums of one order). May import what all floors share.
"""
