"""One text under two tokenizers: spans of tokens with equal bytes, and which id is which.

`vocabulary.py` opens tokenizers and encodes, `spans.py` aligns, `mapping.py` says which id is which,
`report.py` whether two models can be fused.
"""
