"""A webhook's receiver on loopback, which answers as it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Answer = int | str | Literal["hang", "hang up"]
"""A status; where to redirect to; or none: the connection stays open without a word, or is closed."""


@dataclass
class Receiver:
    """What was posted, and what is answered next; the last answer is given again and again."""

    answers: Sequence[Answer] = (204,)
    port: int = 0
    posted: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    came: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def wait(self, posts: int = 1, seconds: float = 120.0) -> None:
        """Until so many more posts have come."""
        for _ in range(posts):
            assert self.came.acquire(timeout=seconds), f"{len(self.posted)} posts came"

    def answer(self) -> Answer:
        return self.answers[min(len(self.posted), len(self.answers)) - 1]


@contextmanager
def receiving(*answers: Answer, port: int = 0) -> Iterator[Receiver]:
    """A receiver that is there while the block runs."""
    receiver = Receiver(answers or (204,))
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(receiver))
    server.daemon_threads = True
    receiver.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.posted.append(json.loads(body))
            receiver.headers.append(dict(self.headers))
            receiver.paths.append(self.path)
            receiver.came.release()
            answer = receiver.answer()
            if answer == "hang":
                receiver.over.wait()
            elif isinstance(answer, int):
                self.send_response(answer)
                self.end_headers()
                self.wfile.write(b"fine")
            elif answer != "hang up":
                self.send_response(307)
                self.send_header("Location", answer)
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
