"""Workers: processes that take what is to be done of a study, and meet in the database alone.

Begin with `work.py`, the loop that each of them runs; `session.py` is one worker at work, `trials.py` and
`sharing.py` what it takes, `terms.py` and `verdict_time.py` its budget, `failures.py` when it gives up.
`run.py` is one worker in this process, `parent.py` starts and watches several. May import all other floors
but `fusing` and `commands`.
"""
