import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from evaluators.errors import EngineError, SandboxError
from evaluators.sandbox import run as sandbox
from evaluators.sandbox import ways
from evaluators.sandbox.keeper import Keeper
from evaluators.sandbox.run import CodeCase, Outcome, isolation, run_tests
from evaluators.sandbox.ways import Way
from tests.evaluators.engines.processes import names_of_processes

REPO = Path(__file__).parents[3]
PASSED = Outcome(True, "")

try:
    isolation()
except SandboxError as refusal:  # pragma: no cover
    pytest.skip(str(refusal), allow_module_level=True)


def run(*programs: str, timeout_s: float = 5.0) -> list[Outcome]:
    return run_tests([CodeCase(program) for program in programs], timeout_s)


def judged(definitions: str, tests: str, timeout_s: float = 5.0, **more: object) -> Outcome:
    return run_tests([CodeCase(definitions, tests, **more)], timeout_s)[0]


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
        ("import sys; sys.exit()", "SystemExit"),
        ("import os; os._exit(0)", "exit"),
        ("import ctypes; ctypes.string_at(0)", "killed"),
        ("while True: pass", "timeout"),
        ("import time; time.sleep(60)", "timeout"),
    ],
)
def test_a_program_that_breaks_or_hangs_fails_with_its_reason(program: str, reason: str) -> None:
    assert run(program, timeout_s=0.5) == [Outcome(False, reason)]


def test_outcomes_come_in_the_order_of_the_programs_whoever_ran_them() -> None:
    expected = [Outcome(n % 3 > 0, "" if n % 3 else "AssertionError") for n in range(20)]
    assert run(*(f"assert {n} % 3" for n in range(20))) == expected


def test_programs_do_not_see_each_other() -> None:
    leave = "import builtins, os; builtins.x = 1; open('left', 'w').close(); os.chdir('/')"
    look = "import builtins, os; assert not os.listdir('/tmp'); assert not hasattr(builtins, 'x')"
    assert run(leave, look, leave, look) == [PASSED] * 4


def test_programs_find_the_standard_library_and_no_packages() -> None:
    assert run("import sqlite3, decimal, unittest, zoneinfo") == [PASSED]
    assert run("import evaluators") == [Outcome(False, "ModuleNotFoundError")]
    assert run("import pip") == [Outcome(False, "ModuleNotFoundError")]


def test_output_goes_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("import sys; print('x' * 10**6); print('y', file=sys.stderr)") == [PASSED]
    assert capfd.readouterr() == ("", "")


def test_hashes_and_random_numbers_are_the_same_in_every_run() -> None:
    program = "import random; assert (hash('a'), random.random()) == (%r, %r)"
    seen = "raise type(repr(look()), (Exception,), {})"
    looks = "import random\ndef look(): return [hash('a'), random.random()]"
    hashed, drawn = judged(looks, seen).reason.strip("[]").split(", ")
    assert run(program % (int(hashed), float(drawn))) == [PASSED]


def test_tests_judge_what_a_program_answers() -> None:
    assert judged("def f(x): return x + 1", "assert f(1) == 2") == PASSED
    assert judged("def f(x): return x", "assert f(1) == 2") == Outcome(False, "AssertionError")
    assert judged("def g(x): return x", "assert f(1) == 2") == Outcome(False, "NameError")
    assert judged("def f(x): return 1 / x", "f(0)") == Outcome(False, "ZeroDivisionError")
    assert judged("def f(x): return x\n1 / 0", "assert f(1) == 1") == Outcome(False, "ZeroDivisionError")


@pytest.mark.parametrize(
    "value",
    [
        "None", "True", "1", "-(10**400)", "0.1", "float('inf')", "'a\\ud800\\n'", "b'\\x00'", "1j", "int",
        "(1, [2, {3}])", "{(1, 'a'): [None], 'int': 2}", "{'int': '0x1'}", "frozenset({1})", "range(1, 9, 2)",
        "bytearray(b'a')",
    ],
)  # fmt: skip
def test_plain_data_travels_unchanged_both_ways(value: str) -> None:
    tests = f"assert f({value}) == {value}; assert type(f({value})) is type({value}); assert seen({value})"
    assert judged(f"def f(x): return x\ndef seen(x): return x == {value}", tests) == PASSED


def test_subclasses_of_builtin_types_travel_as_what_they_are_at_heart() -> None:
    program = (
        "import collections\ndef f(x): return collections.Counter(x)\nP = collections.namedtuple('P', 'a b')"
    )
    assert judged(program, "assert f('aab') == {'a': 2, 'b': 1}; assert P(1, b=2) == (1, 2)") == PASSED


def test_objects_of_the_program_stay_there_and_can_be_passed_back() -> None:
    program = "class Pair:\n  def __init__(self, a): self.a = a\ndef first(pairs): return pairs[0].a"
    assert judged(program, "assert first([Pair(7), Pair(8)]) == 7") == PASSED


def test_a_builtin_can_be_data_and_can_be_the_program_s_function() -> None:
    assert (
        judged(
            "def f(xs, kind): return [x for x in xs if type(x) is kind]", "assert f([1, 'a'], str) == ['a']"
        )
        == PASSED
    )
    assert judged("pair = slice\ndef start(p): return p.start", "assert start(pair(3, 4)) == 3") == PASSED


def test_iterators_of_the_program_can_be_read_to_their_end() -> None:
    assert judged("def f(n):\n  yield from range(n)", "assert list(f(3)) == [0, 1, 2]") == PASSED
    assert judged("def f(n):\n  while True: yield n", "assert next(iter(f(3))) == 3") == PASSED


def test_tests_see_the_exceptions_that_they_expect() -> None:
    tests = "try: f()\nexcept ValueError as error: assert str(error) == 'no'\nelse: assert False"
    assert judged("def f(): raise ValueError('no')", tests) == PASSED
    assert judged("class Mine(Exception): pass\ndef f(): raise Mine", "f()") == Outcome(False, "Mine")


def test_names_are_the_programs_only_where_nobody_trusted_defines_them() -> None:
    program = "import math\ndef helper(x): return 0\ndef sum(*xs): return 7\nlimit = 3"
    assert judged(program, "assert helper(1) == 1", given="def helper(x): return x") == PASSED
    assert judged(program, "assert sum([1, 2]) == 3") == PASSED
    assert judged(program, "assert sum(1, 2) == 7", names=("sum",)) == PASSED
    assert judged(program, "assert math.floor(limit + 0.5) == 3") == PASSED


def test_tests_that_pass_what_cannot_travel_are_an_error_and_no_verdict() -> None:
    with pytest.raises(EngineError, match="tests can pass plain data, not function, to a program"):
        judged("def f(g): return g(1)", "assert f(lambda x: x) == 1")


def test_nothing_is_left_on_the_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with closing(Keeper(isolation())) as keeper:
        keeper.run("open('x', 'w').close()", {"tests": "", "given": "", "names": []}, 5.0)
    assert list(tmp_path.iterdir()) == []
    assert keeper._process.returncode == 0


def test_nothing_goes_on_when_the_host_is_killed() -> None:
    program = "import ctypes, time\nctypes.CDLL(None).prctl(15, b'a-hostage', 0, 0, 0)\ntime.sleep(1000)"
    script = (
        f"from evaluators.sandbox.run import CodeCase, run_tests\nrun_tests([CodeCase({program!r})], 1000.0)"
    )
    host = subprocess.Popen([sys.executable, "-c", script], env={"PYTHONPATH": str(REPO)})
    until(lambda: "a-hostage" in names_of_processes())
    host.kill()
    host.wait()
    until(lambda: "a-hostage" not in names_of_processes())


def until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to that")


def broken(script: str) -> Way:
    return Way("broken", (sys.executable, "-S", "-c", script), user=None)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("raise RuntimeError('broken')", "broken"),
        ("print('[]')", "status 0"),
        ("import os; os.write(0, b'nonsense')", "the sandbox broke"),
    ],
)
def test_a_sandbox_that_does_not_come_up_is_an_error_and_no_verdict(
    monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    monkeypatch.setattr(sandbox, "isolation", lambda: broken(script))
    with pytest.raises(EngineError, match=message):
        run("x = 1")


def test_a_sandbox_that_dies_is_an_error_and_no_verdict() -> None:
    with closing(Keeper(isolation())) as keeper:
        keeper._process.kill()
        keeper._control.shutdown(2)
        with pytest.raises(EngineError, match="the sandbox broke"):
            keeper.run("x = 1", {"tests": "", "given": "", "names": []}, 5.0)


def test_a_machine_that_cannot_isolate_code_is_told_what_would_help(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = "import sys; sys.exit('unshare: Operation not permitted')"
    monkeypatch.setattr(sandbox, "ways", lambda: [broken(refused)])
    isolation.cache_clear()
    try:
        with pytest.raises(
            SandboxError, match=r"cannot be isolated .*; .* \(broken: .*not permitted\)"
        ) as told:
            run("x = 1")
    finally:
        isolation.cache_clear()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("setting", "value", "wanted"),
    [
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
    ],
)
def test_the_remedy_names_the_setting_that_forbids_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, value: str, wanted: str
) -> None:
    file = tmp_path / setting
    file.parent.mkdir()
    file.write_text(value)
    monkeypatch.setattr(ways, "_SETTINGS", tmp_path)
    assert ways.remedy() == f"allow user namespaces: sudo sysctl -w {wanted}"


SCRIPT = """
import shutil, sys
from contextlib import closing
from evaluators.sandbox.keeper import Keeper
from evaluators.sandbox.ways import bubblewrap, namespaces
way = namespaces() if sys.argv[1] == "namespaces" else bubblewrap(shutil.which("bwrap"))
program = '''
import os
def seen(): return os.getuid(), os.listdir('/tmp'), [name for name in os.listdir('/proc') if name.isdigit()]
def sources(): return os.path.exists('/crucible') and os.listdir('/crucible')
'''
tests = "assert seen() == (65534, [], ['1']) and not sources()"
with closing(Keeper(way)) as keeper:
    print(keeper.run(program, {"tests": tests, "given": "", "names": []}, 10.0))
"""


@pytest.mark.parametrize("user", ["ourselves", "nobody special"])
@pytest.mark.parametrize("way", ["namespaces", "bubblewrap"])
def test_each_way_isolates_for_root_and_for_others(way: str, user: str) -> None:
    if way == "bubblewrap" and not shutil.which("bwrap"):
        pytest.skip("bubblewrap is not installed")
    if user != "ourselves" and os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    # The system's Python: ours may lie where others cannot read it.
    python = next(
        (path for path in ("/usr/bin/python3.12", "/usr/bin/python3.11") if Path(path).exists()), ""
    )
    if not python:
        pytest.skip("the system has no Python 3.11 or 3.12")
    if user != "ourselves" and subprocess.run(["test", "-r", __file__], user=1000, check=False).returncode:
        pytest.skip("others cannot read this repository")
    done = subprocess.run(
        [python, "-B", "-c", SCRIPT, way],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(REPO), "PATH": os.environ["PATH"]},
        check=False,
        **({} if user == "ourselves" else {"user": 1000, "group": 1000, "extra_groups": []}),
    )
    assert (done.stdout, done.stderr) == ("\n", "")
