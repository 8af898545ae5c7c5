"""Fused models beside everybody else: asked what the families were asked, merged, and told in a few lines.

Begin with `court.py`, the questions; `everybody.py` files all answers under the fusion's name, `merging.py`
is the search over fused models, and `outcome.py` what it all came to.
"""
