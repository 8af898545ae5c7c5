"""`python -m search` is `crucible`."""

from search.cli import main

main()
