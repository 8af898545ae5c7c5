"""The room that remembers: evidence in SQL, and what it proves.

`store/` is one database of studies, candidates and evidence, `trials/` Optuna's trials in the same database;
`workers/` is who works on a study just now;
`verdicts/` compares candidates on the same items and ranks them. Plain data only: no torch, no engine, no
sampler.
"""
