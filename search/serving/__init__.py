"""Where `crucible serve` and `crucible submit` live: a queue of studies behind an HTTP API.

What comes in is judged by `admission/` before anything is opened, every request by `guard.py`, and what goes
out in an error by `discretion.py`. `queue.py` runs what waits, as `crucible run` in processes of their own:
this floor measures nothing. The dashboard of `studies/dashboard/` is mounted in it, by whose buttons
`steering.py` acts; `looking.py` serves it alone. The web packages (extra `serve`) are imported by `app.py`
and what it is made of. May import study_file, showing, working and signals; begin with `app.py`.
"""
