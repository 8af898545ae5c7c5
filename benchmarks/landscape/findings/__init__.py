"""What searches found on a landscape: rows, and what they say together.

`rows.py` is what a run leaves, `report.py` the page that is written of it: `measures.py` of searches,
`savings.py` of racing, and a picture, `plot.py`.
"""
