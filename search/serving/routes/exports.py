"""Candidates taken from the service: written by `crucible export` in a process of its own, then sent."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from merging.models.naming import is_local
from merging.recipe import Recipe
from search.serving.child import command, environment, last_words
from search.serving.refusals import Refused
from search.serving.routes.tar import tar_chunks, tar_size
from search.serving.service import Service
from search.serving.settings import EXPORTS, Settings
from studies.verdicts.leaderboard import Row, build_leaderboard, points
from studies.verdicts.stopped import row_of, stopped_trial

Format = Literal["recipe", "mergekit", "checkpoint"]
MOST_WAITING = 4
"""Beside the one that is being written."""


@dataclass
class Exporter:
    """Writes one export at a time: each may take a model's size in memory and on disk."""

    service: Service
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0

    async def export(self, name: str, form: Format, trial: int | None) -> Response:
        """A candidate, the best or a trial's, as the response that brings it.

        Raises:
            Refused: there is no such candidate, it is made of models outside the service's folders, several
                exports wait already, or it cannot be written.
        """
        if self.waiting > MOST_WAITING:
            raise Refused(429, "several exports are being written already: ask again later")
        self.waiting += 1
        try:
            async with self.turn:
                return await self._export(name, form, trial)
        finally:
            self.waiting -= 1

    async def _export(self, name: str, form: Format, trial: int | None) -> Response:
        row = await asyncio.to_thread(_chosen, self.service, name, form, trial)
        out = await asyncio.to_thread(_new_folder, exports_folder(self.service.settings))
        try:
            await self._write(name, form, row, out)
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, out)
            raise
        return _response(f"{name} {row.name}", form, out)

    async def _write(self, name: str, form: Format, row: Row, out: Path) -> None:
        log = out / "export.log"
        which = () if row.trial is None else ("--trial", str(row.trial))
        # Reading a checkpoint back takes no engine: the machine's GPUs are the running study's.
        read_back = ("--verify", "0") if form == "checkpoint" else ()
        arguments = ("--out", str(out / "made"), "--format", form, *which, *read_back, "--", name)
        with log.open("wb") as said:
            process = await asyncio.create_subprocess_exec(
                *command("export", *arguments),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=environment(self.service.settings),
            )
            try:
                await process.wait()
            except BaseException:
                process.kill()
                await process.wait()
                raise
        if process.returncode != 0:
            raise Refused(409, self.service.discretion(last_words(log)))


def exports_folder(settings: Settings) -> Path:
    """Where exports lie until they are sent; what a new service finds there is left of an earlier one."""
    return settings.folder / EXPORTS


def _new_folder(among: Path) -> Path:
    among.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=among))


def _chosen(service: Service, name: str, form: Format, trial: int | None) -> Row:
    """The row to export, once it is known that all it is made of may be read."""
    service.begun(name)
    rows = build_leaderboard(service.store, name)
    if trial is None and points(rows):
        raise Refused(
            409, f"study {name!r} has several objectives, and nobody is best in all: ask for a trial"
        )
    row = next((each for each in rows if trial in (None, each.trial)), None)
    if row is None and trial is not None and (stopped := stopped_trial(service.store, name, trial)):
        row = row_of(service.store, name, stopped)
    if row is None:
        which = "candidate" if trial is None else f"trial {trial}"
        raise Refused(404, f"study {name!r} has no {which} that was measured")
    if form != "recipe":
        _check_places(service, row)
    return row


def _check_places(service: Service, row: Row) -> None:
    subject = service.store.subject(row.digest)
    if isinstance(subject, Recipe):
        refs = [(ref.path, ref.revision) for ref in (subject.base, *subject.experts)]
    else:
        refs = [(subject.path, subject.revision)]
    for path, revision in refs:
        hub = revision is not None or not is_local(path, Path.cwd())
        if not (service.settings.allow_hub if hub else service.settings.models.find(path)):
            raise Refused(403, f"{row.name!r} is made of a model outside the service's model folders")


def _response(title: str, form: Format, out: Path) -> Response:
    made = out / "made"
    said = "".join(c if c.isascii() and (c.isalnum() or c in "._+-") else "-" for c in title)
    if form == "checkpoint":
        named = {"Content-Disposition": f'attachment; filename="{said}.tar"'}
        length = {"Content-Length": str(tar_size(made))}
        return _Passing(out, tar_chunks(made), headers={**named, **length})
    (file,) = made.iterdir()
    named = {"Content-Disposition": f'attachment; filename="{said}.{file.name}"'}
    with _removed(out):
        return Response(file.read_bytes(), media_type="application/yaml", headers=named)


@contextmanager
def _removed(folder: Path) -> Iterator[None]:
    try:
        yield
    finally:
        shutil.rmtree(folder)


class _Passing(StreamingResponse):
    """A stream out of a folder that is removed once it was sent, or whoever asked is gone."""

    def __init__(self, folder: Path, content: Iterator[bytes], headers: dict[str, str]) -> None:
        super().__init__(content, media_type="application/x-tar", headers=headers)
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with _removed(self._folder):
            await super().__call__(scope, receive, send)
