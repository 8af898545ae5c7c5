"""Workers placed over a Ray cluster, each a `crucible worker` process that an actor starts and watches.

Ray only places, watches and restarts; workers meet in the database, as they do everywhere. Begin with
`launch.py`, this machine's side; `placer.py` is the process beside it that speaks with Ray, by what
`slots.py` and `plan.py` decide; `actor.py` is what runs on the nodes.
"""
