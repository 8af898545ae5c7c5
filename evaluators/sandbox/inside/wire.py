"""How the two processes of a code case talk: length-prefixed JSON that can only hold plain data.

The tests' process must never receive an object that carries code: a class whose `__eq__` always says True
would pass every assert. So only values of builtin types travel, rebuilt from text; anything else stays where
it is and travels as a number that stands for it. Not marshal and not pickle: both trust their input.
"""

from __future__ import annotations

import builtins
import json
import socket
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any

MOST_BYTES = 16 << 20
SMALL = 1 << 53
LENGTH = struct.Struct("!Q")


class ClosedError(Exception):
    """The other side is gone, or what it sent is no message."""


def send(link: socket.socket, message: object) -> None:
    """Send one JSON message. Raises ClosedError when nobody is there to take it."""
    body = json.dumps(message, separators=(",", ":")).encode()
    try:
        link.sendall(LENGTH.pack(len(body)) + body)
    except OSError as error:
        raise ClosedError(str(error)) from None


def receive(link: socket.socket, most: int = MOST_BYTES) -> Any:
    """The next JSON message. Raises ClosedError at the end, above `most` bytes and at nonsense."""
    (length,) = LENGTH.unpack(exactly(link, LENGTH.size))
    if length > most:
        raise ClosedError(f"a message of {length:,} bytes")
    try:
        return json.loads(exactly(link, length))
    except (ValueError, RecursionError) as error:
        raise ClosedError(str(error)) from None


def exactly(link: socket.socket, length: int) -> bytes:
    """That many bytes. Raises ClosedError when the other side ends before."""
    parts = bytearray()
    while len(parts) < length:
        try:
            part = link.recv(min(length - len(parts), 1 << 20))
        except OSError as error:
            raise ClosedError(str(error)) from None
        if not part:
            raise ClosedError("the end")
        parts += part
    return bytes(parts)


def encode(value: Any, keep: Callable[[Any], int]) -> Any:
    """`value` as JSON; what is not plain data is given to `keep`, which says the number that stands for it.

    Subclasses of builtin types (Counter, namedtuple, IntEnum) travel as the builtin type that they are.
    """
    if value is None or value is True or value is False:
        return value
    if isinstance(value, int):
        return int(value) if -SMALL < value < SMALL else {"int": hex(value)}
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return "".join(value) if type(value) is not str else value
    if isinstance(value, list):
        return [encode(each, keep) for each in value]
    if isinstance(value, dict):
        return {"dict": [[encode(key, keep), encode(each, keep)] for key, each in value.items()]}
    for name, kind in (("tuple", tuple), ("set", set), ("frozenset", frozenset)):
        if isinstance(value, kind):
            return {name: [encode(each, keep) for each in value]}
    return _encode_rare(value, keep)


def _encode_rare(value: Any, keep: Callable[[Any], int]) -> Any:
    if isinstance(value, bytes | bytearray):
        return {"bytearray" if isinstance(value, bytearray) else "bytes": value.hex()}
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, range):
        return {"range": [encode(each, keep) for each in (value.start, value.stop, value.step)]}
    if isinstance(value, Fraction):
        return {"fraction": [encode(each, keep) for each in value.as_integer_ratio()]}
    name = getattr(value, "__name__", "")
    if isinstance(value, type) and vars(builtins).get(name) is value:
        return {"type": name}
    return {"remote": keep(value)}


def decode(body: Any, remote: Callable[[int], Any]) -> Any:
    """The value that `encode` wrote; `remote` makes what stands for an object that stayed behind.

    Raises:
        ClosedError: this is nothing that `encode` writes.
    """
    try:
        return _decode(body, remote)
    except (TypeError, ValueError, KeyError, ArithmeticError, RecursionError) as error:
        raise ClosedError(f"no plain data: {error}") from None


def _decode(body: Any, remote: Callable[[int], Any]) -> Any:
    if isinstance(body, list):
        return [_decode(each, remote) for each in body]
    if not isinstance(body, dict):
        return body
    ((tag, content),) = body.items()
    if tag == "remote":
        return remote(content) if isinstance(content, int) else _DECODERS[tag](content)
    if tag == "dict":
        return {_decode(key, remote): _decode(each, remote) for key, each in content}
    if isinstance(content, list):
        content = [_decode(each, remote) for each in content]
    return _DECODERS[tag](content)


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "int": lambda text: int(text, 16),
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "complex": lambda parts: complex(*parts),
    "range": lambda parts: range(*parts),
    "fraction": lambda parts: Fraction(*parts),
    "type": lambda name: _type(name),
}


def _type(name: str) -> type:
    found = vars(builtins)[name]
    if not isinstance(found, type) or found.__name__ != name:
        raise TypeError(f"{name} is no type")
    return found
