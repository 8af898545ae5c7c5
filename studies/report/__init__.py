"""What a person keeps of a study: question, verdict, plots, recipe, how to repeat it.

Begin with `report.py`, which reads all of it from a store; `page.py` makes a file for a browser of it,
`markdown.py` one for a repository, `plots/` the pictures. May import every floor of the room that reads.
"""
