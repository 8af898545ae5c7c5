"""A study in a notebook: what is remembered of it, as pandas frames that nothing can be written through.

Begin with `study.py`, which is `open_study`; `tables.py` makes the rows and `frame.py` a frame of them;
`drawn.py` and `answers.py` read what no view has: the parameters of trials, and many candidates' answers.
May import `studies.views` and what that may.
"""

from studies.frames.study import OpenStudy, open_study

__all__ = ["OpenStudy", "open_study"]
