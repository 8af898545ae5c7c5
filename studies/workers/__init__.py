"""Who works on a study: any number of processes, on any machines, that meet in the database alone.

Begin with `register.py`: workers join, beat and leave, and those that died are buried. `holds.py` says who
works on what just now, `wishes.py` what people ask of them, `submissions.py` which studies wait for a
service.
May import `studies/store/`. Nobody decides for the others: every function here is one transaction.
"""
