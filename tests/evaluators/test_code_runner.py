import os
from pathlib import Path

import pytest

from evaluators import code_runner
from evaluators.code_runner import Outcome, run_programs
from evaluators.errors import EngineError

PASSED = Outcome(True, "")


def run(*programs: str, timeout_s: float = 5.0) -> list[Outcome]:
    return run_programs(programs, timeout_s)


def test_a_program_passes_when_its_last_line_was_reached() -> None:
    assert run("x = 1", "assert 1 + 1 == 2") == [PASSED, PASSED]
    assert run() == []


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("assert False", "AssertionError"),
        ("def f(:", "SyntaxError"),
        ("x = 'a' * 10**11", "MemoryError"),
        ("open('x', 'wb').write(b'a' * 10**8)", "OSError"),
        ("input()", "EOFError"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "killed"),
        ("import ctypes; ctypes.string_at(0)", "killed"),
        ("while True: pass", "timeout"),
        ("import time; time.sleep(60)", "timeout"),
        ("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass", "timeout"),
    ],
)
def test_a_program_that_breaks_or_hangs_fails_with_its_reason(program: str, reason: str) -> None:
    assert run(program, timeout_s=0.5) == [Outcome(False, reason)]


@pytest.mark.parametrize(
    "program",
    [
        "import os; os._exit(0)",
        "import sys; sys.exit()",
        "raise SystemExit(0)",
        "import os; os.closerange(0, 256)",
        "import os\nfor fd in range(3, 64):\n    try: os.write(fd, b'passed')\n    except OSError: pass",
    ],
)
def test_leaving_before_the_end_is_no_pass(program: str) -> None:
    assert not run(f"{program}\nassert False")[0].passed


def test_programs_do_not_see_each_other() -> None:
    leave = "import builtins, os; builtins.x = 1; open('left', 'w').close(); os.chdir('/')"
    look = "import builtins, os; assert not os.listdir(); assert not hasattr(builtins, 'x')"
    assert run(leave, look, leave, look) == [PASSED] * 4


def test_programs_see_no_environment_and_no_packages_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "1")
    assert run("import os; assert not os.environ") == [PASSED]
    assert run("import evaluators") == [Outcome(False, "ModuleNotFoundError")]


def test_output_goes_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("import sys; print('x' * 10**6); print('y', file=sys.stderr)") == [PASSED]
    assert capfd.readouterr() == ("", "")


def test_a_child_left_behind_is_killed_with_its_program(tmp_path: Path) -> None:
    # Its group dies with it: the pipe that the grandchild would hold open reaches its end.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    leave = f"import os, time\nhold = os.open({str(pipe)!r}, os.O_WRONLY)\nif os.fork() == 0: time.sleep(60)"
    run(leave)
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_hashes_and_random_numbers_are_the_same_in_every_run() -> None:
    program = "import random; assert (hash('a'), random.random()) == (%r, %r)"
    probe = "import random; raise type(f'P{hash(\"a\")}_{random.random()}', (Exception,), {})"
    hashed, drawn = run(probe)[0].reason[1:].split("_")
    assert run(program % (int(hashed), float(drawn))) == [PASSED]


def test_no_folder_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run("open('x', 'w').close()", "while True: pass", timeout_s=0.3)
    assert list(tmp_path.iterdir()) == []


def test_a_machine_on_which_nothing_runs_is_an_error_and_no_verdict(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child = tmp_path / "child.py"
    child.write_text(code_runner._CHILD.read_text().replace("OPEN_FILES = 64", "OPEN_FILES = 0"))
    monkeypatch.setattr(code_runner, "_CHILD", child)
    with pytest.raises(EngineError, match="an empty program fails on this machine"):
        run("x = 1")


@pytest.mark.parametrize("script", ["raise RuntimeError('broken')", "print('[]')", "print('nonsense')"])
def test_a_runner_that_breaks_is_an_error_and_no_verdict(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str
) -> None:
    child = tmp_path / "child.py"
    child.write_text(script)
    monkeypatch.setattr(code_runner, "_CHILD", child)
    with pytest.raises(EngineError, match="the code runner"):
        run("x = 1")
