"""What a study is made of, and measured with.

Begin with `workshop.py`, which opens what a study names; `measure.py` is where candidates are measured,
`search.py` what becomes of one, `interrupt.py` and `ending.py` how work ends early. `checking/`, `racing/`,
`evaluate.py` and `grade.py` are jobs of their own. May import `study_file`, `proposals`, `candidates`,
`racing` and `showing`.
"""
