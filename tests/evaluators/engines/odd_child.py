"""A process that does as it is told over its pipe, and in the end what an engine should not do."""

from __future__ import annotations

import os
import sys
import time
from multiprocessing.connection import Connection

from evaluators.engines.lifeline import die_with_parent
from evaluators.errors import EngineDied, EngineError


def main() -> None:
    die_with_parent(int(sys.argv[2]))
    connection = Connection(int(sys.argv[1]))
    while True:
        verb, arguments = connection.recv()
        if verb == "echo":
            connection.send(("done", arguments))
        elif verb == "slowly":
            for _ in range(4):
                time.sleep(0.3)
                connection.send(("alive", None))
            connection.send(("done", "at last"))
        elif verb == "hang":
            time.sleep(600)
        elif verb == "fail":
            print("first line\nout of memory", file=sys.stderr, flush=True)
            os._exit(3)
        else:
            kind = EngineDied if verb == "broken" else EngineError
            connection.send((verb, kind(f"{verb} as told")))
