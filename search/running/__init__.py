"""Work on studies: made ready, searched, judged, gone on with after any interruption.

Begin with `run.py`; `workshop.py` opens what a study names, `search.py` is the search itself, `measure.py`
where candidates are measured, `interrupt.py` how it ends early. `check.py`, `evaluate.py`, `grade.py` and
`demo.py` are the jobs beside it. May import all other floors but `commands`.
"""
