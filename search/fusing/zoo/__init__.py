"""`crucible families`: a zoo as its user names it, grouped, and the files that are written for it."""
