"""Candidates at the speed of memory: a recipe over mapped models, tensor by tensor, in layer order.

Begin with `worker.py`. `outline.py` says which tensors a candidate is made of, `steps.py` (with
`sparse_steps.py`) turns a recipe's numbers into one step per tensor, `kernels.py` and `compiled.py` are its
code, `runner.py` runs it, `residency.py` and `staging.py` bring tensors to where it runs. May import all
other floors of this room.
"""

from merging.worker.worker import Candidate, MergeWorker

__all__ = ["Candidate", "MergeWorker"]
