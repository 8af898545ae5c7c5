"""docs/slurm.md, read as a script: a database made, an array run beside a stand-in for sbatch, a verdict."""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from studies.store import StudyStore
from studies.workers.register import living
from tests.docs.pages import DOCS, block, command, commands, put
from tests.docs.shell import Shell, free_port, soon, study_in, with_commands
from tests.search.conftest import Outcome, crucible

__all__ = ["crucible"]

PAGE = "slurm.md"
Crucible = Callable[..., Outcome]
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def database() -> Iterator[Shell]:
    """The shell in which the page's server was made and started; PostgreSQL refuses to be root's."""
    package = find_spec("pgserver")  # its binaries alone are wanted
    if package is None or package.origin is None:
        pytest.skip("the page's PostgreSQL commands are run where pgserver brings PostgreSQL")
    binaries = Path(package.origin).parent / "pginstall" / "bin"
    folder = Path(tempfile.mkdtemp(prefix="slurm", dir="/tmp"))
    home = {"HOME": str(folder), "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
    user = "nobody" if os.getuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user)
    shell = Shell(folder, home, user)
    port = str(free_port())
    own = (("5432", port), ("dbhost", "127.0.0.1"))
    loopback = ("listen_addresses=*", "listen_addresses=127.0.0.1 -c unix_socket_directories=")
    shell.run("umask 077; echo secret > password")
    try:
        shell.run(put(block(PAGE, "initdb"), own[0], loopback))
        known = put(block(PAGE, "pgpass"), *own)
        shell.environment["CRUCIBLE_STORAGE"] = shell.run(f"{known}\necho $CRUCIBLE_STORAGE").split()[-1]
        yield shell
    finally:
        shell.run(re.findall(r"`(pg_ctl .* stop)`", (DOCS / PAGE).read_text())[0] + " --mode immediate")
        shutil.rmtree(folder)


@pytest.fixture
def shell(tmp_path: Path, database: Shell) -> Iterator[Shell]:
    study_in(tmp_path)
    passwords = {"PGPASSFILE": str(database.folder / ".pgpass")}
    storage = {"CRUCIBLE_STORAGE": database.environment["CRUCIBLE_STORAGE"]}
    shell = Shell(
        tmp_path, {**with_commands(tmp_path / "bin", sbatch=HERE / "sbatch"), **passwords, **storage}
    )
    yield shell
    shell.close()


def test_the_page_from_a_database_to_a_verdict(
    shell: Shell, crucible: Crucible, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shell.folder)
    for name in ("PGPASSFILE", "CRUCIBLE_STORAGE"):
        monkeypatch.setenv(name, shell.environment[name])
    made = [*block(PAGE, "initdb").splitlines(), *block(PAGE, "pgpass").splitlines()]
    left = [line for line in commands(PAGE) if line not in made and not line.startswith("pip ")]

    def typed(beginning: str) -> Outcome:
        line = command(PAGE, beginning)
        left.remove(line)
        return crucible(*os.path.expandvars(line).replace('"', "").split()[1:])

    assert typed("crucible check").code == 0
    (shell.folder / "worker.sh").write_text(put(block(PAGE, "#SBATCH"), ("0-7", "0-1")))
    left.remove(command(PAGE, "exec crucible worker"))
    jobs = [int(pid) for pid in shell.run(command(PAGE, "sbatch")).split()]
    left.remove(command(PAGE, "sbatch"))
    with StudyStore(shell.environment["CRUCIBLE_STORAGE"]) as store:
        soon(store.studies)
        number = store.study("tiny")

        def doing() -> list[str]:
            return [each.doing or "" for each in living(store, number)]

        soon(lambda: len(doing()) == 2)
        assert "tiny" in typed("crucible status").out
        os.kill(jobs[0], signal.SIGTERM)  # as --signal=B:TERM@120 does before the end of a job's time
        soon(lambda: len(doing()) == 1)
        assert "its worker will wait" in typed("crucible pause").out
        soon(lambda: doing() == ["paused"])
        assert "its worker may go on" in typed("crucible resume").out
        soon(lambda: [each.state for each in store.studies()] == ["complete"])
        soon(lambda: not doing())
    assert "nobody works on it" in typed("crucible stop").out
    assert "Stopped by SIGTERM" in (shell.folder / "worker-0.log").read_text()
    assert "trial" in typed("crucible leaderboard").out
    assert typed("crucible export").code == 0
    assert left == []
