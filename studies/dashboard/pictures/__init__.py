"""What pages draw on the server: heat maps as tables, scores against scores and training curves as SVG.

Begin with `heat.py`; `scatter.py` and `lines.py` say where things lie, templates write it down. No colour is
said here: classes name shades, and the style sheet has one for light and one for dark. May import `views`.
"""
