"""Programs that mean harm. Each is judged by tests that only an honest answer passes, among ordinary ones."""

import os
import socket
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from evaluators.errors import SandboxError
from evaluators.sandbox.run import CodeCase, Outcome, isolation, run_tests
from tests.evaluators.engines.processes import names_of_processes

try:
    isolation()
except SandboxError as refusal:  # pragma: no cover
    pytest.skip(str(refusal), allow_module_level=True)

TESTS = "assert square(3) == 9 and square(4) == 16"
RIGHT = CodeCase("def square(x): return x * x", TESTS)
WRONG = CodeCase("def square(x): return x + x", TESTS)
PASSED, FAILED = Outcome(True, ""), Outcome(False, "AssertionError")


def attack(program: str, tests: str = TESTS, timeout_s: float = 1.0) -> Outcome:
    """The outcome of a hostile case, when those of its neighbours are what they always are."""
    return attacks([program], tests, timeout_s)[0]


def attacks(programs: Sequence[str], tests: str = TESTS, timeout_s: float = 1.0) -> list[Outcome]:
    """The same for many in one run, each between two ordinary ones."""
    hostile = [CodeCase(program, tests) for program in programs]
    cases = [case for each in hostile for case in (RIGHT, each, WRONG)] + [RIGHT, WRONG] * 2
    outcomes = run_tests(cases, timeout_s)
    ordinary = [outcome for case, outcome in zip(cases, outcomes, strict=True) if case not in hostile]
    assert ordinary == [PASSED, FAILED] * (len(hostile) + 2)
    return [outcome for case, outcome in zip(cases, outcomes, strict=True) if case in hostile]


def programs(text: str) -> list[str]:
    """Several programs, with a line of dashes between them."""
    return text.strip().split("\n---\n")


# What it can see and reach


def test_it_sees_no_environment_and_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRUCIBLE_SECRET", "s3cret")
    program = """
import os, socket
def environments(): return dict(os.environ), open('/proc/self/environ').read()
def processes(): return [name for name in os.listdir('/proc') if name.isdigit()]
def host(): return socket.gethostname()
"""
    tests = """
environment, raw = environments()
assert environment == {} and set(raw.split('\\0')) <= {'PYTHONHASHSEED=0', 'PWD=/', ''}
assert processes() == ['1']
assert host() == 'sandbox'
"""
    assert attack(program, tests) == PASSED


def test_it_sees_no_home_no_sources_and_no_files_of_anybody(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    hidden = [str(secret), __file__, "/etc/passwd", "/etc/shadow", "/home", "/var", "/sys", "/mnt", "/run"]
    program = """
import os
def can_see(path): return os.path.exists(path)
def folder(path): return os.listdir(path)
"""
    home = f"assert not {{each for each in folder({str(Path.home())!r}) if not each.startswith('.pyenv')}}"
    tests = f"""
assert [path for path in {hidden!r} if can_see(path)] == []
assert folder('/tmp') == [] and set(folder('/etc')) <= {{'ld.so.cache'}}
if can_see({str(Path.home())!r}):  # Where Python itself lives in there, nothing else does.
    {home}
"""
    assert attack(program, tests) == PASSED


def test_it_reaches_no_network_and_no_sockets_of_the_machine() -> None:
    program = """
import socket
def reach(*where):
    try: socket.create_connection(where, 1)
    except OSError: return 'failed'
    return 'reached'
def families():
    reached = []
    for family in range(3, 46):
        try: reached.append(socket.socket(family, socket.SOCK_STREAM).family)
        except OSError: pass
    return [each for each in reached if each != socket.AF_INET6]
def call(name): return socket.socket(socket.AF_UNIX).connect_ex(name)
"""
    beside = f"\0crucible-{os.getpid()}"
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as server,
        closing(socket.socket(socket.AF_UNIX)) as abstract,
    ):
        abstract.bind(beside)
        abstract.listen()
        tests = f"""
assert reach('127.0.0.1', {server.getsockname()[1]}) == 'failed'
assert reach('8.8.8.8', 53) == 'failed' and reach('example.com', 80) == 'failed'
assert call({beside!r}) != 0
assert families() == []  # VSOCK, say, leads out of a virtual machine through any network namespace.
"""
        assert attack(program, tests) == PASSED


def test_it_writes_nowhere_but_in_its_tmp() -> None:
    program = """
import os
def write(path):
    try: open(path, 'w').close()
    except OSError: return False
    return True
def everywhere():
    folders = [name for name, _, _ in os.walk('/') if not name.startswith(('/proc', '/tmp'))]
    folders = folders[::7] + ['/' + name for name in os.listdir('/')]
    return [folder for folder in folders if write(folder + '/x')]
"""
    tests = """
for setting in ('/proc/sys/kernel/core_pattern', '/proc/sys/user/max_user_namespaces', '/proc/sysrq-trigger'):
    assert not write(setting)
assert everywhere() == ['/tmp'] and write('/dev/shm/x')
"""
    assert attack(program, tests, timeout_s=20.0) == PASSED


def test_it_cannot_get_rights_back() -> None:
    program = """
import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
def user_namespace():
    child = libc.syscall(56 if platform.machine() == 'x86_64' else 220, 0x10000000 | 17, 0, 0, 0, 0)
    if child == 0: os._exit(0)
    return child
def tries():
    return [
        libc.unshare(0x10000000), user_namespace(), libc.setns(0, 0), libc.setuid(0), libc.nice(-5),
        libc.mount(b'tmpfs', b'/tmp', b'tmpfs', 0, None), libc.umount2(b'/tmp', 2), libc.chroot(b'/tmp'),
        libc.shmget(1, 4096, 0o1777), libc.memfd_create(b'x', 0), libc.ptrace(16, 1, 0, 0),
        libc.sched_setaffinity(0, 8, bytes(8)), libc.sethostname(b'x', 1),
    ]
"""
    assert attack(program, "assert set(tries()) == {-1}") == PASSED


# What it can use up

WASTERS = programs("""
import os
while True:
    try: os.fork()
    except OSError: pass
---
import os
def square(x):
    while True:
        try: os.fork()
        except OSError: pass
---
import threading, time
while True:
    try: threading.Thread(target=time.sleep, args=(9,)).start()
    except RuntimeError: pass
---
while True: pass
---
def square(x):
    while True: pass
---
import signal
for n in set(signal.Signals) - {9, 19}: signal.signal(n, signal.SIG_IGN)
while True: pass
---
import time
def square(x): time.sleep(1000)
---
def square(x): return 9 ** 9 ** 9
""")


@pytest.mark.parametrize("program", WASTERS)
def test_it_ends_when_its_time_is_up(program: str) -> None:
    assert attack(program) == Outcome(False, "timeout")


def test_an_answer_without_end_is_an_object_like_any_other() -> None:
    assert attack("def square(x):\n    while True: yield x") == FAILED


def test_it_gets_few_processes_and_none_of_its_neighbours() -> None:
    program = """
import os, time
def forks():
    for n in range(100):
        try:
            if os.fork() == 0: time.sleep(100)
        except OSError: return n
"""
    assert attack(program, "assert forks() <= 8") == PASSED


EATERS = programs("""
def square(x): return len(bytearray(100 * 10**9))
---
def square(x):
    held = []
    while True: held.append(bytearray(10**8))
---
import os
def square(x):
    held = []
    while True:
        try: os.fork()
        except OSError: pass
        held.append(bytearray(10**7))
---
def square(x): return [square] * 10**9
---
def square(x): return 'x' * (5 * 10**8)
---
import sys
sys.setrecursionlimit(10**9)
def square(x): return square(x)
""")


@pytest.mark.parametrize("program", EATERS)
def test_it_gets_no_more_memory_than_its_share(program: str) -> None:
    # Which limit it meets first depends on how busy the machine is.
    assert attack(program).reason in ("MemoryError", "memory", "timeout", "exit", "killed")


def test_its_processes_share_one_limit_of_memory() -> None:
    program = """
import mmap, os, time
def square(x):
    for _ in range(5):
        if os.fork() == 0: break
    held = mmap.mmap(-1, 600 << 20)
    for at in range(0, len(held), 4096): held[at] = 1
    time.sleep(100)
"""
    assert attack(program, timeout_s=20.0) == Outcome(False, "memory")


def test_it_fills_nothing_but_its_own_small_tmp() -> None:
    program = """
import os
def fill(size):
    try:
        for n in range(10**6):
            with open(f'/tmp/{size}-{n}', 'wb') as file: file.write(bytes(size))
    except OSError: return n
def one():
    try:
        with open('/tmp/one', 'wb') as file:
            while True: file.write(bytes(1 << 16)); file.flush()
    except OSError: return os.path.getsize('/tmp/one')
"""
    tests = "assert one() <= 1 << 20 and fill(1 << 20) <= 64 and fill(0) <= 4096"
    assert attack(program, tests, timeout_s=20.0) == PASSED
    assert attack("import os\ndef left(): return os.listdir('/tmp')", "assert left() == []") == PASSED


def test_it_prints_10_gb_to_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    program = """
import os
def square(x):
    for _ in range(5_000): os.write(1, b'x' * 10**6)
    return x * x
"""
    assert attack(program, timeout_s=20.0) == PASSED
    assert capfd.readouterr() == ("", "")


def test_it_opens_few_files() -> None:
    program = """
def files():
    held = []
    try:
        while True: held.append(open('/dev/null'))
    except OSError: return len(held)
"""
    assert attack(program, "assert files() < 64") == PASSED


def test_it_leaves_no_daemon_behind() -> None:
    program = """
import ctypes, os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for n in set(signal.Signals) - {9, 19}: signal.signal(n, signal.SIG_IGN)
        ctypes.CDLL(None).prctl(15, b'a-daemon', 0, 0, 0)
        time.sleep(1000)
    os._exit(0)
os.wait()
def square(x): return x * x
"""
    assert attack(program) == PASSED
    assert "a-daemon" not in names_of_processes()


# What it can do to its verdict

TRICKS = programs("""
import os; os._exit(0)
---
import sys; sys.exit(0)
---
raise SystemExit(0)
---
import os; os.kill(os.getpid(), 9)
---
import os; os.closerange(0, 256)
---
import os
if os.fork(): os.wait()
os._exit(0)
---
import os
frame = b'["verdict",""]'
for fd in range(64):
    for word in (b'passed', len(frame).to_bytes(8, 'big') + frame):
        try: os.write(fd, word)
        except OSError: pass
---
import os
def square(x): os._exit(0)
---
def square(x): raise StopIteration
---
def square(x): raise AssertionError
---
def square(x): raise SystemExit(0)
---
def square(x): raise KeyboardInterrupt
---
def square(x): return NotImplemented
---
class Yes(int):
    def __eq__(self, other): return True
    __hash__ = None
def square(x): return Yes()
---
class Yes:
    def __eq__(self, other): return True
    def __getattr__(self, name): return self
    __call__ = __getattr__
def square(x): return Yes()
---
class Yes(float):
    def __eq__(self, other): return True
def square(x): return Yes('nan')
---
import builtins
builtins.AssertionError = builtins.Exception
builtins.all = builtins.any = builtins.sum = lambda *a: True
builtins.__build_class__ = None
def square(x): return 0
---
__builtins__ = {'AssertionError': BaseException}
def square(x): return 0
---
import sys
class Yes(dict):
    def __missing__(self, name): return self
    def __call__(self, *a): return True
for name in list(sys.modules): sys.modules[name] = Yes()
def square(x): return 0
---
import sys
frame = sys._getframe()
while frame:
    for name in list(frame.f_locals): frame.f_locals[name] = ''
    frame = frame.f_back
def square(x): return 0
---
import gc, socket
frame = b'["verdict",""]'
for each in gc.get_objects():
    if isinstance(each, socket.socket):
        try: each.send(len(frame).to_bytes(8, 'big') + frame)
        except OSError: pass
def square(x): return 0
---
import gc
for each in gc.get_objects():
    if callable(each) and getattr(each, '__name__', '') in ('verdict', 'say', 'judge'): each('')
def square(x): return 0
---
import sys
sys.settrace(lambda *a: None)
sys.setprofile(lambda *a: None)
sys.excepthook = print
def square(x): return 0
---
import atexit, os
atexit.register(lambda: os._exit(0))
def square(x): return 0
---
def square(x): return 0
def sum(*a): return 10
def check(*a): pass
def __getattr__(name): return square
---
import math, unittest
math.isclose = lambda *a, **k: True
unittest.TestCase.assertEqual = lambda *a: None
def square(x): return 0
---
import os, signal
for pid in (-1, 0, 1, os.getppid()):
    try: os.kill(pid, signal.SIGTERM)
    except OSError: pass
def square(x): return 0
---
import resource, os
for pid in range(100):
    for what in range(16):
        try: resource.prlimit(pid, what, (0, 0))
        except (OSError, ValueError): pass
def square(x): return 0
""")
HELPED = "import math\nassert math.isclose(square(3), 9) and sum([1, square(3)]) == 10"


@pytest.mark.parametrize("tests", [TESTS, HELPED])
def test_a_trick_makes_no_wrong_answer_right(tests: str) -> None:
    outcomes = attacks(TRICKS, tests)
    assert [trick for trick, outcome in zip(TRICKS, outcomes, strict=True) if outcome.passed] == []


def test_a_right_answer_stays_right_with_a_trick_beside_it() -> None:
    harmless = programs("""
import sys, builtins
builtins.AssertionError = Exception
sys.modules.clear()
---
import sys
sys.settrace(lambda *a: None)
---
import atexit, os
atexit.register(lambda: os._exit(1))
---
import os, signal
os.kill(os.getpid(), signal.SIGTERM)
""")
    answered = [f"{trick}\ndef square(x): return x * x" for trick in harmless]
    assert attacks(answered) == [PASSED] * len(answered)


def test_the_tests_are_nowhere_in_what_it_can_read() -> None:
    program = """
import re
def found():
    found = set()
    with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', 0) as memory:
        for line in maps:
            start, end = (int(part, 16) for part in line.split()[0].split('-'))
            try:
                memory.seek(start)
                found |= set(re.findall(b'(?:needle|own)-' + b'[0-9]+', memory.read(end - start)))
            except (OSError, OverflowError, ValueError): pass
    return {each.decode() for each in found}
own = 'own-111'
"""
    others = [CodeCase(f"'needle-{n}'", f"'needle-{n}'") for n in range(900, 904)]
    case = CodeCase(program, "expected = 'needle-777'\nassert found() == {'own-111'}", given="'needle-778'")
    assert run_tests([*others, case, *others], 10.0) == [PASSED] * 9


def test_answers_prepared_ahead_are_answers_and_no_verdicts() -> None:
    program = """
import gc, socket
reply = b'["value",[true,"square"]]'
for link in gc.get_objects():
    if isinstance(link, socket.socket):
        try:
            for _ in range(9): link.send(len(reply).to_bytes(8, 'big') + reply)
        except OSError: pass
"""
    assert not attack(program).passed


def test_it_cannot_leave_its_neighbours_without_a_verdict() -> None:
    # Objects that are no data, made in the tests' process: what cannot travel back would end the whole run.
    program = """
import gc, socket
def square(x): return 0
link = next(each for each in gc.get_objects() if isinstance(each, socket.socket) and each.fileno() > 2)
reply = b'["value",false,{"type":"slice"}]'
link.send(b'\\0' * 7 + b'\\x09["value"]' + len(reply).to_bytes(8, 'big') + reply)
"""
    assert not attack(program, "assert square(pair(1)) == 1").passed
    assert not attack("pair = slice\ndef square(x): return 0", "assert square(pair(1)) == 1").passed


def test_nonsense_instead_of_an_answer_is_no_pass() -> None:
    nonsense = ["{}", "[]", "null", "x", '["ready"]', '["verdict",""]', '["raised"]', '["raised",[],{}]']
    nonsense += [f'["value"{more}]' for more in ("", ",1,2,3", ",1e999", ",NaN", f",{'9' * 9999}")]
    nonsense += [f'["value",{"[" * 5000}{"]" * 5000}]', '["value",{"remote":"x"}]', '["value",{"int":1}]']
    nonsense += ['["value",{"type":"eval"}]', '["value",{"set":[[]]}]', '["value",{"range":[1,2,0]}]']
    program = """
import gc, socket
def square(x):
    for link in gc.get_objects():
        if isinstance(link, socket.socket) and link.fileno() > 2:
            link.send(len(reply).to_bytes(8, 'big') + reply)
"""
    outcomes = attacks([f"reply = {reply.encode()!r}\n{program}" for reply in nonsense])
    assert [reply for reply, outcome in zip(nonsense, outcomes, strict=True) if outcome.passed] == []
