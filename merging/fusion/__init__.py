"""What one model, the target, learns from others, its sources, of any architecture and tokenizer.

`alignment/` finds the same text on both sides, `distributions/` keeps what sources say of it, `training/`
teaches it. May import `models`.
"""
