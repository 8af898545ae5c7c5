"""Who becomes the target of a fusion and who its sources, as the evidence of several studies says.

Begin with `choose.py`, the rule. `contenders.py` is what it knows of each model, `comparison.py` the
intervals that it rests on, `selection.py` the decision with its table, `reasons.py` its words, and
`finalists.py` tells which merge of a study stands for its family. May import `store` and `verdicts`.
"""
