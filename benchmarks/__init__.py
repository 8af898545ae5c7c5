"""How fast merging is: against the machine's copy bandwidth, and against mergekit; `make bench` runs it."""
