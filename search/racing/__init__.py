"""Racing: how few items suffice to know that a candidate will not beat the best one so far.

Pure: numbers in, decisions out; no store, no engine, no other floor. Begin with `race.py`.
"""
