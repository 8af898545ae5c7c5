"""The fault suite: what dies, hangs, fills up or is cut off in mid-run costs no more than what was in flight.

`make test-faults` runs it in full; `make test` runs the same tests with fewer kills and shorter outages.
"""
