"""Races of a study's candidates: in what order they are asked, and who must be beaten.

What is decided depends on answers in the order of the blocks, and on who was complete when the race began. So
a race that is begun again decides as the first time, and a study with one worker as if it had never stopped.
`race.py` is one candidate's way through the blocks, `leader.py` who is ahead, and what it answered.
"""
