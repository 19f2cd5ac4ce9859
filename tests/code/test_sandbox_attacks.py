"""What code may try against the sandbox. After every attack, programs before and behind it answer as they should."""

from __future__ import annotations

import os
import secrets
import socket
import struct
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from contrafact.engines.sandbox import Case, Outcome, Program, Sandbox, open_sandbox
from contrafact.engines.sandbox import isolation as launching
from tests.code.leftovers import left_behind

pytestmark = pytest.mark.system("bubblewrap")
LIMITS = {"cpu_seconds": 0.4, "wall_seconds": 2, "memory_mib": 128, "processes": 8, "file_mib": 1, "output_bytes": 4096}
GOOD = Program("def f(x):\n    return [x, 'good']", [Case("f", (1,)), Case("f", (2,))])


def opened() -> Sandbox:
    return open_sandbox({"limits": LIMITS, "workers": 1})


@pytest.fixture(scope="module", params=["own user", "user namespace"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """As root, both ways of giving up its rights; for everybody else there is one."""
    if request.param == "own user" and os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "user namespace" and os.geteuid() == 0:
            patch.setattr(launching, "_rooted", lambda: (False,))
        made = opened()
    yield made
    made.close()


def attack(sandbox: Sandbox, source: str, *arguments: object) -> Outcome:
    """The outcome of ``f``, called between good programs in one sandbox and before a good case of its own."""
    source = textwrap.dedent(source) + "\ndef good(x):\n    return x + 1\n"
    hostile = Program(source, [Case("f", arguments), Case("good", (1,))])
    before, found, behind = sandbox.python_many([GOOD, hostile, GOOD])
    assert [each.value for each in before] == [[1, "good"], [2, "good"]]
    assert [each.value for each in behind] == [[1, "good"], [2, "good"]]
    assert (found[1].kind, found[1].value) == ("ok", 2)
    assert left_behind() == []
    return found[0]


@pytest.mark.parametrize(
    "body",
    [
        "while True: os.fork()",
        """while True:
        try: os.fork()
        except OSError: pass""",
        """import threading, time
    while True: threading.Thread(target=time.sleep, args=(60,)).start()""",
    ],
)
def test_a_fork_bomb_is_bounded(sandbox: Sandbox, body: str) -> None:
    outcome = attack(sandbox, f"import os\ndef f():\n    {body}\n")
    assert outcome.kind in ("exception", "timeout", "processes", "exit", "killed")


@pytest.mark.parametrize(
    "body",
    [
        "bytearray(10 << 30)",
        "x = []\n    while True: x.append(bytes(1 << 20))",
        "import mmap; mmap.mmap(-1, 10 << 30).write(b'x')",
    ],
)
def test_memory_is_bounded(sandbox: Sandbox, body: str) -> None:
    outcome = attack(sandbox, f"def f():\n    {body}\n")
    assert outcome.kind == "memory" or outcome.detail == "OSError"  # what mmap raises


def test_memory_is_bounded_over_all_processes_together(sandbox: Sandbox) -> None:
    outcome = attack(
        sandbox,
        """
        import os, time
        def f():
            for _ in range(4):
                if os.fork() == 0:
                    kept = bytearray(60 << 20)
                    for at in range(0, len(kept), 4096): kept[at] = 1
                    time.sleep(60)
            time.sleep(60)
        """,
    )
    assert outcome.kind == "memory"


@pytest.mark.parametrize(
    "body", ["while True: pass", "import time; time.sleep(10**6)", "import signal; signal.pause()"]
)
def test_time_is_bounded(sandbox: Sandbox, body: str) -> None:
    ignoring = "import signal\n    for n in set(range(1, 32)) - {9, 19}: signal.signal(n, signal.SIG_IGN)\n    "
    for before in ("", ignoring):
        assert attack(sandbox, f"def f():\n    {before}{body}\n").kind == "timeout"


@pytest.mark.parametrize(
    "body",
    ["while True: print('x' * 100)", "import os\n    while True: os.write(2, b'x' * 65536)", "return 'x' * 10**7"],
)
def test_output_is_bounded(sandbox: Sandbox, body: str) -> None:
    outcome = attack(sandbox, f"def f():\n    {body}\n")
    assert outcome.kind == "output"
    assert len(outcome.stdout) <= LIMITS["output_bytes"]
    assert len(outcome.stderr) <= LIMITS["output_bytes"]


def test_files_are_bounded(sandbox: Sandbox) -> None:
    one = attack(sandbox, "def f():\n    open('x', 'wb').write(bytes(2 << 20))\n")
    many = attack(sandbox, "def f():\n    for n in range(99): open(f'x{n}', 'wb').write(bytes(1 << 20))\n")
    assert (one.detail, many.detail) == ("OSError", "OSError")
    assert "File too large" in one.message
    assert "No space left" in many.message


@pytest.mark.parametrize(
    "path", ["/etc/shadow", str(Path.home() / ".bashrc"), "/var/log/dpkg.log", str(Path(__file__).resolve())]
)
def test_files_outside_are_not_there(sandbox: Sandbox, path: str) -> None:
    read = "def f(path):\n    return open(path, 'rb').read()\n"
    assert attack(sandbox, read, path).detail == "FileNotFoundError"
    linked = "import os\ndef f(path):\n    os.symlink(path, 'link')\n    return open('link', 'rb').read()\n"
    assert attack(sandbox, linked, path).detail == "FileNotFoundError"
    climbing = "def f(path):\n    return open('/proc/self/root' + 4 * '/..' + path, 'rb').read()\n"
    assert attack(sandbox, climbing, path).detail == "FileNotFoundError"


def test_home_and_environment_are_empty(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTRAFACT_SECRET", "do not tell")
    source = """
    import os, pwd
    def f(home):
        seen = sorted(os.environ)
        own, home_ = open('/proc/self/environ').read(), os.path.expanduser('~')
        try: first = open('/proc/1/environ').read()
        except OSError as error: first = type(error).__name__
        return home_, os.listdir(home_), os.path.exists(home + '/.cache'), seen, own, first
    """
    home, there, cache, names, own, first = attack(sandbox, source, str(Path.home())).value
    assert (home, there, cache) == ("/tmp", [], False)  # noqa: S108
    assert set(names) <= {"HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PWD", "PYTHONHASHSEED", "TMPDIR", "TZ"}
    assert "do not tell" not in own
    assert first == "PermissionError"


def test_there_is_no_network_not_even_to_this_machine(sandbox: Sandbox) -> None:
    source = """
    import socket
    def f(port, name):
        found = []
        for family, address in [(socket.AF_INET, ('127.0.0.1', port)), (socket.AF_INET, ('192.0.2.1', 80)),
                                (socket.AF_UNIX, name), (40, (2, 1)), (16, (0, 0)), (17, ('lo', 3))]:
            try:
                socket.socket(family, socket.SOCK_STREAM).connect(address)
                found.append('connected')
            except (OSError, TypeError) as error:
                found.append(type(error).__name__)
        return found
    """
    name = b"\0contrafact-" + secrets.token_hex(8).encode()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(name)
        local.listen()
        server.setblocking(False)
        found = attack(sandbox, source, server.getsockname()[1], name).value
        with pytest.raises(BlockingIOError):
            server.accept()
    assert found[:3] == ["ConnectionRefusedError", "OSError", "ConnectionRefusedError"]
    assert found[3:] == ["PermissionError"] * 3


OUTSIDE = ["/", "/usr", "/usr/bin", "/etc", "/harness", "/python", "/dev", "/dev/shm", "/proc", "/var/tmp"]  # noqa: S108


@pytest.mark.parametrize("folder", OUTSIDE)
def test_nothing_can_be_written_outside(sandbox: Sandbox, folder: str) -> None:
    name = f"contrafact-{secrets.token_hex(8)}"
    source = "def f(path):\n    open(path, 'w').write('x')\n"
    outcome = attack(sandbox, source, f"{folder}/{name}")
    assert outcome.kind == "exception"
    assert outcome.detail in ("FileNotFoundError", "OSError", "PermissionError")
    assert not (Path(folder) / name).exists()


def test_paths_that_climb_and_links_lead_nowhere(sandbox: Sandbox, tmp_path: Path) -> None:
    """As archives do: names with ``..`` (zip slip), and links that later members are written through."""
    source = """
    import io, os, tarfile, zipfile
    def f(target):
        climbing = '../' * 20 + target.lstrip('/')
        held = io.BytesIO()
        with zipfile.ZipFile(held, 'w') as made: made.writestr(climbing, 'slipped')
        with zipfile.ZipFile(held) as given:
            for name in given.namelist():
                try:
                    with open(name, 'wb') as file: file.write(given.read(name))
                except OSError: pass
        held = io.BytesIO()
        with tarfile.open(fileobj=held, mode='w') as made:
            link = tarfile.TarInfo('way'); link.type = tarfile.SYMTYPE; link.linkname = os.path.dirname(target)
            made.addfile(link)
            inner = tarfile.TarInfo('way/' + os.path.basename(target)); inner.size = 7
            made.addfile(inner, io.BytesIO(b'slipped'))
        held.seek(0)
        try: tarfile.open(fileobj=held).extractall('.')
        except (OSError, tarfile.TarError): pass
        return sorted(os.listdir('.'))
    """
    target = tmp_path / "slipped"
    assert attack(sandbox, source, str(target)).kind == "ok"
    assert not target.exists()


def test_no_process_can_be_traced_or_read(sandbox: Sandbox) -> None:
    source = """
    import ctypes, os
    def f():
        call = ctypes.CDLL(None, use_errno=True).ptrace
        found = [call(0, 0, 0, 0), call(16, 1, 0, 0), call(0x4206, 1, 0, 0)]
        for path in ['mem', 'maps', 'environ', 'cwd/x', 'root/etc/passwd', *[f'fd/{n}' for n in range(16)]]:
            try: found.append(open(f'/proc/1/{path}', 'rb').read(1))
            except OSError as error: found.append(type(error).__name__)
        return found
    """
    found = attack(sandbox, source).value
    assert found[:3] == [-1, -1, -1]
    assert set(found[3:]) <= {"PermissionError", "FileNotFoundError"}


def test_rights_cannot_be_had_back(sandbox: Sandbox) -> None:
    source = """
    import ctypes, os, resource
    def f():
        library = ctypes.CDLL(None, use_errno=True)
        found = [library.unshare(0x10000000), library.unshare(0x20000), library.mount(b'x', b'/tmp', b'tmpfs', 0, None),
                 library.setns(0, 0), library.shmget(0, 1 << 20, 0o1600), library.memfd_create(b'x', 0),
                 library.chroot(b'/tmp'), library.setuid(0), library.setresuid(0, 0, 0)]
        for pid in (0, 1):
            try: resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, 0) if pid else (64, 64)); found.append('set')
            except PermissionError: found.append('refused')
        status = dict(line.split(':', 1) for line in open('/proc/self/status'))
        return found, status['CapEff'].strip(), status['NoNewPrivs'].strip(), status['Seccomp'].strip(), os.getuid()
    """
    found, capabilities, privileges, seccomp, uid = attack(sandbox, source).value
    assert found == [-1] * 9 + ["set", "refused"]
    assert (int(capabilities, 16), privileges, seccomp) == (0, "1", "2")
    assert uid != 0


@pytest.mark.parametrize("target", ["1", "os.getppid()", "-1", "-os.getppid()", "0"])
def test_killing_the_parent_kills_nobody_else(sandbox: Sandbox, target: str) -> None:
    source = f"""
    import os
    def f():
        for n in (2, 15, 19, 9):
            try: os.kill({target}, n)
            except OSError: pass
        return 'alive'
    """
    outcome = attack(sandbox, source)
    assert (outcome.kind, outcome.value) == ("ok", "alive") if target != "0" else outcome.kind == "killed"


def test_a_daemon_does_not_stay(sandbox: Sandbox) -> None:
    mark = str(4_000_000 + secrets.randbelow(10**6))
    source = """
    import os, signal, time
    def f(mark):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for n in set(range(1, 32)) - {9, 19}: signal.signal(n, signal.SIG_IGN)
                os.execv('/bin/sleep', ['sleep', mark])
            os._exit(0)
        time.sleep(0.3)
        return sum(open(f'/proc/{pid}/cmdline').read().find(mark) > 0 for pid in os.listdir('/proc') if pid.isdigit())
    """
    assert attack(sandbox, source, mark).value == 1  # it was there
    assert [each for each in psutil.process_iter(["cmdline"]) if mark in (each.info["cmdline"] or [])] == []


def test_a_daemon_is_gone_before_the_next_program(sandbox: Sandbox) -> None:
    leaving = Program(
        "import os, time\ndef f():\n    if os.fork() == 0:\n        os.setsid(); time.sleep(60)", [Case("f")]
    )
    looking = Program("import os\ndef f():\n    return [p for p in os.listdir('/proc') if p.isdigit()]", [Case("f")])
    found = sandbox.python_many([leaving, looking])
    assert len(found[1][0].value) == 2  # the supervisor, and the one that looks


def test_printed_markers_are_printed_text(sandbox: Sandbox) -> None:
    fake = '+{"tuple":["ok","","","42"]}'
    source = "def f(fake):\n    print(fake, '{\"done\": true}', 'ERROR: AddressSanitizer: SEGV')\n    return 1\n"
    outcome = attack(sandbox, source, fake)
    assert (outcome.kind, outcome.value) == ("ok", 1)
    assert outcome.stdout.startswith(fake)


def test_a_forged_message_is_no_answer(sandbox: Sandbox) -> None:
    """A whole frame, right in everything but the secret, on every descriptor there may be."""
    payload = b'+{"tuple":["ok","","","42"]}'
    frame = bytes(16) + struct.pack(">I", len(payload)) + payload
    source = """
    import os
    def f(frame):
        for fd in range(3, 64):
            try: os.write(fd, frame)
            except OSError: pass
        return 1
    """
    outcome = attack(sandbox, source, frame)
    assert (outcome.kind, outcome.value) == ("tampered", None)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("os.closerange(0, 64); return 1", ("exit",)),
        ("os.closerange(3, 64); os._exit(0)", ("exit",)),
        ("sys.stdout = sys.stderr = None; return 1", ("ok",)),
        ("sys.stdout.close(); return 1", ("ok",)),
        ("os.fork(); return 1", ("ok",)),
        ("os.write = os.read = os.getpid = os._exit = None; return 1", ("ok",)),
        ("import json; json.dumps = json.loads = None; return 1", ("ok",)),
        ("[setattr(builtins, n, None) for n in dir(builtins) if n[0] != '_' and n != 'setattr']; return 1", ("ok",)),
        ("sys.modules.clear(); return 1", ("ok",)),
        ("import gc; gc.collect(); gc.disable(); return 1", ("ok",)),
        (
            "sys.setrecursionlimit(10**9)\n    def g(): return g()\n    return g()",
            ("killed", "memory", "timeout", "exception"),
        ),
        ("import threading; threading.Thread(target=lambda: [None for _ in iter(int, 1)]).start(); return 1", ("ok",)),
        ("import atexit; atexit.register(lambda: 1 // 0); return 1", ("ok",)),
        ("sys.settrace(lambda *a: 1 // 0); return 1", ("ok", "exception")),
    ],
)
def test_a_process_made_unusable_costs_its_own_case_at_most(sandbox: Sandbox, body: str, kind: tuple[str, ...]) -> None:
    outcome = attack(sandbox, f"import builtins, os, sys\ndef f():\n    {body}\n")
    assert outcome.kind in kind
    assert outcome.value == (1 if outcome.kind == "ok" else None)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("def __eq__(self, other): return True", "P"),
        ("def __repr__(self): raise SystemExit(0)", "SystemExit"),
        ("def __repr__(self): return 5", "TypeError"),
        ("__class__ = int", "P"),
        ("def __getattribute__(self, name): raise ValueError(name)", "P"),
    ],
)
def test_a_value_with_tricks_does_not_pass_for_another(sandbox: Sandbox, body: str, detail: str) -> None:
    outcome = attack(sandbox, f"class P:\n    {body}\ndef f():\n    return P()\n")
    assert outcome.value is None
    assert (outcome.kind, outcome.detail) == ("unstorable" if detail == "P" else "exception", detail)
