"""The dashboard: pages that people look at while a study runs, and in the morning after.

Begin with `app.py`; `pages/` has a module for each page, `templates/` and `static/` what they are made of.
`here.py` is what every page is answered from, `rendering.py` makes HTML of it, by the words of `wording.py`;
`versions.py` tells cheaply whether anything happened, `memory.py` keeps what was read until then, `live.py`
sends what changed, `soon.py` answers at once, `works.py` does long work beside the pages. `pictures/` is what
they draw, `exporting.py` how a merge is taken along. `doors.py` asks who is there, `control.py` is what may
be done beside looking, `serve.py` serves all of it by itself. Needs Starlette and Jinja, and of this room
every floor.
"""
