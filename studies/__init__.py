"""The room that remembers: evidence in SQL, and what it proves.

`store/` is one database of studies, candidates and evidence; `verdicts/` compares candidates on the same
items and ranks them. Plain data only: no torch, no engine, no sampler.
"""
