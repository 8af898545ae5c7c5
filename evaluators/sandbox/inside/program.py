"""The program process of a case: runs what a model wrote, and answers calls from the tests' process.

Nothing of worth is in here: not the tests, not what they expect, no way to the verdict. A program that takes
over this process can only answer the tests' questions, in plain data, as any program may.
"""

from __future__ import annotations

import functools
import os
import random
import resource
import socket
import sys
from collections.abc import Iterator
from itertools import pairwise
from types import ModuleType
from typing import Any, NoReturn

from evaluators.sandbox.inside import jail
from evaluators.sandbox.inside.wire import decode, encode, receive, send

MEMORY_BYTES = 1 << 30
FILE_BYTES = 1 << 20
OPEN_FILES = 64
TASKS = 8


def be_the_program(link: socket.socket, definitions: str, seconds: float) -> NoReturn:
    """Never returns. Say `ready`, run the definitions, say how that went, answer until the link closes."""
    try:
        try:
            jail.mount("proc", "/proc")
            jail.be_first_to_die(1000)
            confine({link.fileno()}, seconds)
            jail.filter_calls()
        except OSError as error:
            send(link, ["broken", str(error)])
            os._exit(1)
        send(link, ["ready"])
        module = _fresh_main()
        send(link, _define(definitions, module))
        _serve(link, vars(module))
    finally:
        os._exit(0)


def confine(keep: set[int], seconds: float) -> None:
    """Limit this process, silence its streams, close every file but those of `keep`, give up its rights."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    for before, after in pairwise([2, *sorted(keep), 1024]):
        os.closerange(before + 1, after)
    jail.limit(
        {
            resource.RLIMIT_CPU: int(seconds) + 1,
            resource.RLIMIT_AS: MEMORY_BYTES,
            resource.RLIMIT_FSIZE: FILE_BYTES,
            resource.RLIMIT_NOFILE: OPEN_FILES,
            resource.RLIMIT_NPROC: TASKS,
            resource.RLIMIT_CORE: 1,  # Not 0: with 1, no handler of the system's is started either.
            resource.RLIMIT_MEMLOCK: 0,
        }
    )
    jail.drop_privileges()
    random.seed(0)  # Here, because forking reseeds it.


def _fresh_main() -> ModuleType:
    """An empty `__main__`, as a program of its own would have it."""
    for name in [name for name in sys.modules if name.startswith("evaluators")]:
        del sys.modules[name]
    module = sys.modules["__main__"] = ModuleType("__main__")
    return module


def _define(definitions: str, module: ModuleType) -> list[str]:
    try:
        exec(compile(definitions, "program.py", "exec"), vars(module))
    except BaseException as error:
        return ["raised", type(error).__name__]
    return ["value"]


def _serve(link: socket.socket, names: dict[str, Any]) -> None:
    kept: list[Any] = []

    def keep(value: Any) -> int:
        kept.append(value)
        return len(kept) - 1

    while True:
        request = receive(link)
        try:
            reply = ["value", *(encode(each, keep) for each in _answers(request, names, kept))]
        except BaseException as error:
            reply = ["raised", type(error).__name__, _text(error)]
        send(link, reply)


def _answers(request: list[Any], names: dict[str, Any], kept: list[Any]) -> Iterator[Any]:
    what, subject, *rest = request
    if what == "name":
        yield from _named(subject, names)
    elif what == "call":
        positional, named = (decode(each, lambda number: kept[number]) for each in rest)
        yield kept[subject](*positional, **named)
    elif what == "iterate":
        yield iter(kept[subject])
    elif what == "next":
        yield from _some(kept[subject])


def _named(name: str, names: dict[str, Any]) -> Iterator[Any]:
    if name in names:
        value = names[name]
        is_module = isinstance(value, ModuleType)
        yield is_module
        if isinstance(value, type) and value.__module__ == "builtins":
            value = functools.partial(value)  # It would travel as data, and then not be called here.
        yield value.__name__ if is_module else value


def _some(iterator: Iterator[Any]) -> Iterator[Any]:
    """The next element, or nothing at the end."""
    for element in iterator:
        yield element
        return


def _text(error: BaseException) -> str:
    try:
        return str(error)[:1000]
    except Exception:
        return ""
