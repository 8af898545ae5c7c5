"""The room that remembers: evidence in SQL, and what it proves.

`store.py` is the way in: one database of studies, candidates and evidence. `schema.py` has its tables,
`queries.py` and `evidence.py` what is asked of them and put into them, `rows.py` what callers see;
`connect.py` opens it, `migrate.py` brings it up to date, `identity.py` tells whether a resumed study is
still the same, and `lease.py` lets one process at a time run it. `verdict.py` compares two candidates on the
same items, `leaderboard.py` ranks all of a study's. Plain data only: no torch, no engine, no sampler.
"""
