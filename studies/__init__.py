"""The room that remembers: evidence in SQL, and what it proves.

`store/` is one database of studies, candidates and evidence, `trials/` Optuna's trials in the same database;
`workers/` is who works on a study just now; `verdicts/` compares candidates on the same items and ranks them.
`views/` is what people look at, `frames/` the same for notebooks. Plain data only: no torch, no engine, no
sampler.
"""

from studies.frames import OpenStudy, open_study

__all__ = ["OpenStudy", "open_study"]
