"""A disk that fills up in mid-work: one clear line, nothing halved, and with room again it goes on."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import LONG, MakeScene
from tests.faults.disks import enter_namespace, fill, mount
from tests.faults.processes import Forked
from tests.faults.scene import Scene
from tests.faults.studies import IN_FLIGHT, NAME, Left, left_in
from tests.faults.witness import listen, repeated

MIB = 1 << 20
FORBIDDEN = 77
"""Exit code of a process that may not mount."""
TRIALS = 8


def crucible(*arguments: object) -> tuple[int, str]:
    """A command in a process of its own on this one's disks: its exit code and standard error."""
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if not child:
            _run_and_exit(said.fileno(), [str(each) for each in arguments])
        _, status = os.waitpid(child, 0)
        said.seek(0)
        return os.waitstatus_to_exitcode(status), said.read().decode()


def _run_and_exit(errors: int, arguments: list[str]) -> None:
    from search import cli

    code = 1
    try:
        os.dup2(errors, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv = ["crucible", *arguments]
        cli.main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def on_its_own(work: Callable[..., Any], found: str, environment: Mapping[str, str], *given: Any) -> None:
    """Work where it may mount, and write down what it returns."""
    os.environ.update(environment)
    listen()
    try:
        enter_namespace()
    except OSError as error:
        print(f"no user namespace here: {error}")
        sys.exit(FORBIDDEN)
    Path(found).write_text(json.dumps(work(*given)))


def result_of(scene: Scene, work: Callable[..., Any], *arguments: Any) -> Any:
    """What the work returned that was done on a disk of its own; skips where no user may mount one."""
    found = scene.file.with_name("found.json")
    process = Forked(
        scene.file.with_name("said"), on_its_own, work, str(found), scene.environment, *arguments
    )
    scene.commands.append(process)
    if process.end() == FORBIDDEN:
        pytest.skip(process.said)
    assert process.process.exitcode == 0, process.said
    return json.loads(found.read_text())


def export_to_ever_more_files(storage: str, folder: str) -> list[Any]:
    """Export a checkpoint to disks that have room for one file, for two …, until it succeeds."""
    ends: list[Any] = []
    options = ("--format", "checkpoint", "--storage", storage)
    while not ends or ends[-1][0] == 2:
        disk = mount(Path(folder) / f"disk{len(ends)}", 64 * MIB, files=len(ends) + 1)
        code, said = crucible("export", NAME, "--out", disk / "out", *options)
        ends.append((code, said, sorted(each.name for each in disk.rglob("*"))))
    return ends


def test_an_export_that_fills_the_disk_at_any_file_says_so_and_leaves_nothing(finished: Scene) -> None:
    *failed, whole = result_of(
        finished, export_to_ever_more_files, finished.storage, str(finished.file.parent)
    )
    assert len(failed) >= 5, "the folder, the weights, the config, the tokenizer's files, the recipe"
    for code, said, left in failed:
        assert code == 2
        (line,) = said.splitlines()
        assert "out: cannot be written (No space left on device); nothing was left there" in line
        assert left == []
    assert whole[0] == 0, whole[1]
    assert {"out", "model.safetensors", "config.json", "crucible_recipe.yaml"} <= set(whole[2])


def export_while_it_fills(storage: str, folder: str) -> Any:
    """Export a checkpoint to a disk that somebody else fills as soon as the export begins to write."""
    options = ("--format", "checkpoint", "--storage", storage)
    disk = mount(Path(folder) / "disk", 4 * MIB)

    def fill_when_begun() -> None:
        while not any(disk.iterdir()):
            time.sleep(0)
        fill(disk)

    filler = threading.Thread(target=fill_when_begun)
    filler.start()
    code, said = crucible("export", NAME, "--out", disk / "out", *options)
    filler.join()
    return code, said, sorted(each.name for each in disk.rglob("*"))


def test_an_export_whose_disk_somebody_else_fills_says_so_and_leaves_nothing(finished: Scene) -> None:
    code, said, left = result_of(finished, export_while_it_fills, finished.storage, str(finished.file.parent))
    assert code == 2
    (line,) = said.splitlines()
    assert "out: cannot be written (No space left on device); nothing was left there" in line
    assert left == ["ballast"]


def run_with_ever_more_room(file: str, folder: str) -> Any:
    """Run a study whose database is on a disk that is too small; give it more room until it is done."""
    size, ends = MIB // 2, []
    disk = mount(Path(folder) / "disk", size)
    storage = f"sqlite:///{disk / 'crucible.db'}"
    while not ends or ends[-1][0] != 0:
        ends.append(crucible("run", file, "--storage", storage, "--json"))
        size += MIB // 4 if LONG else MIB // 2
        mount(disk, size, again=True)
    for file in disk.glob("crucible.db*"):  # with its log, for nobody closed it
        shutil.copy(file, Path(folder) / file.name)
    return ends


def test_a_full_disk_under_the_database_stops_the_run_and_more_room_lets_it_go_on(
    tmp_path: Path, make_scene: MakeScene, undisturbed: Callable[[int, str], Left]
) -> None:
    scene = make_scene(f"sqlite:///{tmp_path / 'crucible.db'}", TRIALS)
    *failed, _ = result_of(scene, run_with_ever_more_room, str(scene.file), str(tmp_path))
    assert failed
    for code, said in failed:
        assert code == 2, said
        assert said.splitlines()[-1].endswith("free some space, then run the same command again"), said
        assert "Traceback" not in said
    left = left_in(scene.storage)
    assert left == undisturbed(TRIALS, "tpe")
    pids = {each.pid for each in scene.asked()}
    again = repeated(scene.asked(), pids)
    assert max(again.values(), default=0) <= IN_FLIGHT


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A study that is complete, on a disk that is large enough."""
    from tests.faults.studies import write_study

    folder = tmp_path_factory.mktemp("finished")
    scene = Scene(write_study(folder, 2), f"sqlite:///{folder / 'crucible.db'}")
    scene.start()
    scene.finish()
    return scene
