"""What runs in a sandbox, with nothing of ours beside it: the standard library alone.

Begin with `child.py`, its first process. `walls.py` and `jail.py` close it in; `tests.py` and `program.py`
are the two processes of a case, `wire.py` is how they talk.
"""
