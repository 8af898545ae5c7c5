"""On the PYTHONPATH of a process, the witness listens to its engine: what a command starts is heard too."""

from tests.faults.witness import listen

listen()
