"""A process that answers as vLLM's does, but in no time: what tests of `EngineProcess` start."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from multiprocessing.connection import Connection

from evaluators.lifeline import die_with_parent


def main() -> None:
    die_with_parent(int(sys.argv[2]))
    connection = Connection(int(sys.argv[1]))
    while True:
        verb, arguments = connection.recv()
        if verb == "work":  # for as long as is asked, with signs of life
            for _ in range(int(arguments[0] * 10)):
                time.sleep(0.1)
                connection.send(("alive", None))
        elif verb == "child":
            arguments = (subprocess.Popen(["sleep", "600"]).pid,)
        elif verb == "exit":
            print("it could not be", file=sys.stderr, flush=True)
            os._exit(3)
        elif verb in ("refused", "broken"):
            connection.send((verb, *arguments))
            continue
        connection.send(("done", arguments))
