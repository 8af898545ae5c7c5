"""The tests' process of a case: runs the tests, which are trusted, on answers that the program process gives.

Names that the tests use and do not define are the program's: functions and classes become proxies whose calls
run over there, and plain data comes by value. No object, code or exception class of the program is ever here,
so what a test compares is what it seems to be.
"""

from __future__ import annotations

import builtins
import os
import select
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from evaluators.sandbox.inside.wire import ClosedError, decode, encode, receive, send

Verdict = Callable[[str], NoReturn]
DYING_MS = 500
REASON_LENGTH = 80


class Unsendable(BaseException):
    """A test that passes what cannot travel: the case cannot be judged, whatever the program is."""


class Program:
    """The program process as the tests see it. When it is gone the case ends, whatever the tests catch."""

    def __init__(self, link: socket.socket, pid: int, verdict: Verdict) -> None:
        self._link, self._pid, self._verdict = link, pid, verdict

    def ready(self) -> None:
        """Wait until the program process is closed in. Raises OSError when that failed."""
        try:
            answer = receive(self._link)
        except ClosedError as error:
            raise OSError(f"the program process: {error}") from None
        if answer != ["ready"]:
            raise OSError(f"the program process: {answer[1]}")

    def defined(self) -> None:
        """Wait until the definitions have run; what they raised is the verdict."""
        answer = self._next()
        if answer[0] == "raised":
            self._verdict(_identifier(answer[1]))

    def name(self, name: str) -> Any:
        """What the program's global `name` is. Raises NameError where it has none."""
        found = self._ask("name", name)
        if not found:
            raise NameError(f"name {name!r} is not defined")
        is_module, value = found
        if isinstance(
            value, type
        ):  # Calling it here would make objects that are neither data nor the program's.
            self._verdict("exit")
        if is_module is not True:
            return value
        if value != name or name not in sys.stdlib_module_names:
            raise NameError(f"name {name!r} is a module that tests cannot use")
        return __import__(name)

    def call(self, number: int, *positional: Any, **named: Any) -> Any:
        """What the object answers to a call."""
        (value,) = self._one(self._ask("call", number, encode(positional, _number), encode(named, _number)))
        return value

    def iterate(self, number: int) -> Iterator[Any]:
        """The object's elements, one question each."""
        (iterator,) = self._one(self._ask("iterate", number))
        if not isinstance(iterator, Proxy):
            self._verdict("TypeError")
        while element := self._ask("next", _number(iterator)):
            yield element[0]

    def _one(self, values: list[Any]) -> list[Any]:
        if len(values) != 1:
            self._verdict("exit")
        return values

    def _ask(self, *request: Any) -> list[Any]:
        try:
            send(self._link, request)
        except ClosedError:
            self._gone()
        kind, *values = self._next()
        if kind == "raised":
            self._raise(*values)
        try:
            return [decode(value, lambda number: Proxy(self, number)) for value in values]
        except ClosedError:
            self._gone()

    def _next(self) -> list[Any]:
        try:
            answer = receive(self._link)
        except ClosedError:
            self._gone()
        if not isinstance(answer, list) or not answer or answer[0] not in ("value", "raised"):
            self._verdict("exit")
        return answer

    def _raise(self, name: object = "", text: object = "") -> NoReturn:
        """Raise a builtin exception of that name; what would end more than the call ends the case."""
        kind = getattr(builtins, str(name), None)
        if not isinstance(kind, type) or not issubclass(kind, BaseException):
            raise type(_identifier(name), (Exception,), {})(text)
        if not issubclass(kind, Exception) or issubclass(kind, StopIteration | StopAsyncIteration):
            self._verdict(_identifier(name))
        try:
            error = kind(text)
        except TypeError:  # UnicodeError's kin want more than a text.
            error = Exception(text)
        raise error

    def _gone(self) -> NoReturn:
        """The verdict on a program that no longer talks: it was killed, or left, or talks nonsense."""
        process = os.pidfd_open(self._pid)
        poll = select.poll()
        poll.register(process, select.POLLIN)
        ended = poll.poll(DYING_MS)  # The kernel closes its files before it counts as dead.
        killed = ended and os.WIFSIGNALED(os.waitpid(self._pid, 0)[1])
        self._verdict("killed" if killed else "exit")


class Proxy:
    """A function, class or object of the program's. It equals only itself: its own `==` fools no test."""

    __slots__ = ("__number", "__program")

    def __init__(self, program: Program, number: int) -> None:
        self.__program, self.__number = program, number

    def __call__(self, *positional: Any, **named: Any) -> Any:
        """Have the program call it."""
        return self.__program.call(self.__number, *positional, **named)

    def __iter__(self) -> Iterator[Any]:
        """Have the program iterate over it."""
        return self.__program.iterate(self.__number)


def _number(proxy: Any) -> int:
    """The number that stands for a program's object. Raises Unsendable: an object of the tests' own."""
    if not isinstance(proxy, Proxy):
        raise Unsendable(f"tests can pass plain data, not {type(proxy).__name__}, to a program")
    number: int = proxy._Proxy__number  # type: ignore[attr-defined]
    return number


class Names(dict[str, Any]):
    """The tests' global names; what is neither theirs nor a builtin is asked of the program."""

    def __init__(self, program: Program) -> None:
        super().__init__(__name__="__main__")
        self._program = program

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name) or name.startswith("__"):
            raise KeyError(name)
        self[name] = value = self._program.name(name)
        return value


def judge(program: Program, order: dict[str, Any]) -> str:
    """Run what is given and the tests; "" when they ran to their end, else the name of what was raised.

    Raises Unsendable: nothing can be said.
    """
    try:
        program.defined()
        names = Names(program)
        exec(compile(order["given"], "given.py", "exec"), names)
        names.update((name, program.name(name)) for name in order["names"])
        exec(compile(order["tests"], "tests.py", "exec"), names)
    except Unsendable:
        raise
    except BaseException as error:
        return type(error).__name__[:REASON_LENGTH]
    return ""


def _identifier(name: object) -> str:
    return name[:REASON_LENGTH] if isinstance(name, str) and name.isidentifier() else "Exception"
