"""What a study searches for: from a candidate's answers to one number for each of its goals.

Begin with `goals.py`, what may be wanted; `worth.py` makes numbers of what a candidate's answers add up to,
and `front.py` says who is beaten by nobody where several things are wanted. May import `store`.
"""
