"""What one worker works on, no other does; who chooses, chooses alone."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import make_url

from studies.errors import StorageError
from studies.store import StudyStore
from studies.workers.holds import Hold, alone, drop, forget, held, progress, take
from studies.workers.register import Watch, abandon, join
from tests.studies.server import Server
from tests.studies.workers.builders import REPO, change, working_process

TAKE = """
import sys
from studies.store import StudyStore
from studies.workers.holds import take
from studies.workers.register import join

store = StudyStore(sys.argv[1])
worker = join(store, int(sys.argv[2]))
print("joined", flush=True)
sys.stdin.readline()
print(*[n for n in range(40) if take(store, worker, "trials", str(n))])
sys.stdin.read()
"""
STAY = """
import sys
from studies.store import StudyStore
from studies.workers.holds import alone

store = StudyStore(sys.argv[1])
with alone(store, int(sys.argv[2])):
    print("alone", flush=True)
    sys.stdin.read()
print("left", flush=True)
"""
COUNT = """
import sys
from pathlib import Path
from studies.store import StudyStore
from studies.workers.holds import alone

store, file = StudyStore(sys.argv[1]), Path(sys.argv[3])
for _ in range(15):
    with alone(store, int(sys.argv[2])):
        file.write_text(str(int(file.read_text()) + 1))
"""


def test_a_hold_is_one_workers(store: StudyStore, study: int) -> None:
    one, other = join(store, study), join(store, study)
    hold = take(store, one, "trials", "0")
    assert hold == Hold("trials", "0", 0)
    assert take(store, one, "trials", "0") == hold, "who has it may take it again"
    assert take(store, other, "trials", "0") is None
    drop(store, other, hold)
    assert take(store, other, "trials", "0") is None, "nobody drops what is another's"
    drop(store, one, hold)
    assert take(store, other, "trials", "0") == hold


def test_one_that_is_stopped_while_it_is_alone_is_waited_for_only_so_long(
    server: Server,
) -> None:
    with StudyStore(server.url) as store:
        study = store.begin("stopped", {})
        short = {"options": "-c idle_in_transaction_session_timeout=1s"}
        url = make_url(server.url).update_query_dict(short).render_as_string()
        command = [sys.executable, "-c", STAY, url, str(study)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=REPO) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "alone\n"
            process.send_signal(signal.SIGSTOP)
            begun = time.monotonic()
            try:
                with alone(store, study):
                    assert time.monotonic() - begun < 30
            finally:
                process.send_signal(signal.SIGCONT)
            said, _ = process.communicate("", timeout=120)
        assert process.returncode == 0
        assert said == "left\n", "who lost the lock leaves the block as ever"


def test_what_workers_hold_is_told_by_study_and_stage(store: StudyStore, study: int) -> None:
    worker = join(store, study)
    take(store, worker, "trials", "1")
    assert held(store, study, "trials") == {"1"}
    assert held(store, study, "holdout") == set(), "stages have names of their own"
    assert held(store, store.begin("other", {}), "trials") == set(), "studies, too"


def test_deaths_are_counted_until_somebody_gets_on_with_it(store: StudyStore, study: int) -> None:
    for deaths in range(3):
        worker = join(store, study)
        assert take(store, worker, "trials", "0") == Hold("trials", "0", deaths)
        change(store, worker, started="another process of this number")
        Watch().bury(store, study)
        assert "0" not in held(store, study, "trials")
    worker, other = join(store, study), join(store, study)
    hold = take(store, worker, "trials", "0")
    assert hold == Hold("trials", "0", 3)
    progress(store, other, hold)
    assert take(store, worker, "trials", "0") == Hold("trials", "0", 3)
    progress(store, worker, hold)
    assert take(store, worker, "trials", "0") == Hold("trials", "0", 0)


def test_a_hang_counts_as_two_deaths(store: StudyStore, study: int) -> None:
    """A process that began anew did so because of what it held; a killed one need not have died of it."""
    for _ in range(2):
        worker = join(store, study)
        assert take(store, worker, "trials", "0") is not None
        abandon(worker)
        assert [each.id for each in Watch().bury(store, study)] == [worker.id]
    assert take(store, join(store, study), "trials", "0") == Hold("trials", "0", 4)


def test_what_was_died_of_is_forgotten_once_all_is_done(store: StudyStore, study: int) -> None:
    worker, other = join(store, study), join(store, store.begin("other", {}))
    for each in (worker, other):
        assert take(store, each, "trials", "0") is not None
        change(store, each, started="another process of this number")
        Watch().bury(store, each.study)
    living = join(store, study)
    mine = take(store, living, "trials", "1")
    forget(store, study)
    assert take(store, living, "trials", "1") == mine
    assert take(store, living, "trials", "0") == Hold("trials", "0", 0)
    assert take(store, join(store, other.study), "trials", "0") == Hold("trials", "0", 1), "studies apart"


def test_processes_that_take_at_once_share_without_overlap(store: StudyStore, study: int, url: str) -> None:
    command = [sys.executable, "-c", TAKE, url, str(study)]
    pipe = subprocess.PIPE
    takers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=REPO) for _ in range(4)]
    streams = [(taker.stdin, taker.stdout) for taker in takers]
    assert [out.readline() for _, out in streams if out] == ["joined\n"] * 4
    for into, _ in streams:
        assert into is not None
        print(file=into, flush=True)
    taken = [list(map(int, out.readline().split())) for _, out in streams if out]
    for taker in takers:
        taker.communicate()
    assert sorted(number for numbers in taken for number in numbers) == list(range(40))


def test_processes_that_choose_alone_never_choose_at_once(
    store: StudyStore, study: int, url: str, tmp_path: Path
) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    command = [sys.executable, "-c", COUNT, url, str(study), str(counter)]
    counters = [subprocess.Popen(command, cwd=REPO) for _ in range(4)]
    assert [each.wait() for each in counters] == [0] * 4
    assert counter.read_text() == "60"


def test_threads_choose_alone_and_studies_do_not_wait_for_each_other(store: StudyStore, study: int) -> None:
    other = store.begin("other", {})
    order = []

    def choose() -> None:
        with alone(store, study):
            order.append("second")

    with alone(store, study), alone(store, other):
        thread = threading.Thread(target=choose)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_what_goes_wrong_alone_ends_it(store: StudyStore, study: int) -> None:
    with pytest.raises(ZeroDivisionError), alone(store, study):
        _ = 1 / 0
    with alone(store, study):
        pass


HOLD = """
import sys
from studies.store import StudyStore
from studies.workers.holds import alone

with alone(StudyStore(sys.argv[1]), int(sys.argv[2])):
    print("alone", flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_is_alone_no_more(store: StudyStore, study: int, url: str) -> None:
    command = [sys.executable, "-c", HOLD, url, str(study)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=REPO) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "alone\n"
        holder.kill()
    with alone(store, study):
        pass


def test_a_server_that_goes_away_in_the_middle_ends_it_without_a_word(server: Server) -> None:
    with StudyStore(server.url) as store:
        study = store.begin("alone", {})
        with alone(store, study):
            server.stop()
            server.start()
        with alone(store, study):
            assert store.study("alone") == study


def test_a_folder_that_takes_no_lock_file_is_named(sqlite_url: str, tmp_path: Path) -> None:
    with StudyStore(sqlite_url) as store:
        study = store.begin("tiny", {})
        (tmp_path / f".crucible.db.study-{study}.alone").mkdir()
        with (
            pytest.raises(StorageError, match="check that the folder can be written to"),
            alone(store, study),
        ):
            pass


def test_what_a_killed_process_held_can_be_taken_once_it_is_buried(
    store: StudyStore, study: int, url: str
) -> None:
    worker = join(store, study)
    with working_process(url, study) as process:
        assert take(store, worker, "trials", "0") is None
        process.kill()
        process.wait()
    assert take(store, worker, "trials", "0") is None
    (buried,) = Watch().bury(store, study)
    assert buried.pid == process.pid
    assert take(store, worker, "trials", "0") == Hold("trials", "0", 1)
