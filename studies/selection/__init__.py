"""Who becomes the target of a fusion and who its sources, as the evidence of several studies says.

May import `store` and `verdicts`.
"""
