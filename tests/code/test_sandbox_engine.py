"""Settings, the weaker mode, and what becomes of a batch whose sandbox goes down."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from contrafact.engines.sandbox import UNPROTECTED, Case, Limits, Program, Sandbox, open_sandbox, read_sandbox_settings
from contrafact.engines.sandbox.batch import Lane, spread
from contrafact.engines.sandbox.inside import __main__ as harness
from contrafact.engines.sandbox.inside.cleaning import Place
from contrafact.engines.sandbox.inside.frames import Broken, Reader
from contrafact.engines.sandbox.inside.privileges import drop
from contrafact.engines.sandbox.naming import sandbox_identity
from contrafact.engines.sandbox.seccomp import program
from contrafact.engines.sandbox.start import Gone, Start, _patience
from contrafact.errors import MissingDependencyError, RecipeError, TransientError
from tests.code.leftovers import left_behind

LIMITS = {"cpu_seconds": 0.5, "wall_seconds": 2, "memory_mib": 128, "processes": 8, "file_mib": 1, "output_bytes": 4096}


@pytest.fixture
def bare() -> Iterator[Sandbox]:
    made = open_sandbox({"isolation": "unprotected", "limits": LIMITS, "workers": 1})
    yield made
    made.close()
    assert not made._launcher.folder.exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"isolation": "bubblewarp"}, "did you mean 'bubblewrap'"),
        ({"isolation": None}, "does not keep that code from your files"),
        ({"isolatoin": "bubblewrap"}, "did you mean 'isolation'"),
        ({"limits": {"cpu": 2}}, "cpu_seconds"),
        ({"limits": {"memory_mib": 1.5}}, "a whole number above 0"),
        ({"limits": {"cpu_seconds": 0}}, "a number above 0"),
        ({"limits": {"wall_seconds": True}}, "a number above 0"),
        ({"limits": 3}, "a mapping"),
        ({"compiler": "tcc"}, "gcc, clang"),
        ({"workers": 0}, "from 1 up"),
    ],
)
def test_a_setting_that_is_none_is_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words) as caught:
        read_sandbox_settings(given)
    assert "engines.sandbox" in str(caught.value)


def test_settings_left_out_have_their_defaults() -> None:
    settings = read_sandbox_settings({"limits": {"cpu_seconds": 5}})
    assert settings.isolation == "bubblewrap"
    assert settings.limits == Limits(cpu_seconds=5)
    assert "workers" not in settings.identity()  # it decides no outcome


def test_without_bubblewrap_the_weaker_mode_must_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingDependencyError) as caught:
        open_sandbox({})
    for words in ("apt-get install bubblewrap", "isolation: unprotected", "read and write whatever you can"):
        assert words in str(caught.value)


@pytest.mark.system("bubblewrap")
def test_a_bubblewrap_that_does_not_work_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n", encoding="ascii")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(MissingDependencyError, match="No permissions to create new namespace"):
        open_sandbox({})


def test_unprotected_says_so_and_answers_alike(bare: Sandbox) -> None:
    assert bare.notes() == [UNPROTECTED]
    source = "import os\ndef f(x):\n    if x == 1: os._exit(0)\n    return (x, {x})"
    found = bare.python(source, [Case("f", (x,)) for x in range(3)])
    assert [(each.kind, each.value) for each in found] == [("ok", (0, {0})), ("exit", None), ("ok", (2, {2}))]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("while True: pass", "timeout"),
        ("import time; time.sleep(60)", "timeout"),
        ("return bytearray(10 << 30)", "memory"),
        ("while True: print('x')", "output"),
        ("open('x', 'wb').write(bytes(2 << 20))", "exception"),
    ],
)
def test_unprotected_keeps_the_limits(bare: Sandbox, body: str, kind: str) -> None:
    found = bare.python(f"def f():\n    {body}\ndef g(): return 1", [Case("f"), Case("g")])
    assert [each.kind for each in found] == [kind, "ok"]


def test_unprotected_has_an_environment_of_its_own(bare: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTRAFACT_SECRET", "do not tell")
    found = bare.python("import os\ndef f(): return dict(os.environ), os.listdir('.')", [Case("f")])
    environment, files = found[0].value
    assert "CONTRAFACT_SECRET" not in environment
    assert environment["HOME"] == "/nonexistent"
    assert files == []


def test_unprotected_ends_a_daemon_and_empties_the_folder(bare: Sandbox) -> None:
    leaving = """
import os, time
def f():
    open('left', 'w').write('x')
    pid = os.fork()
    if pid == 0:
        os.setsid()
        if os.fork() == 0: time.sleep(100)
        os._exit(0)
    os.waitpid(pid, 0)
"""
    looking = Program("import os\ndef f(): return os.listdir('.')", [Case("f")])
    found = bare.python_many([Program(leaving, [Case("f")]), looking])
    assert [each[0].kind for each in found] == ["ok", "ok"]
    assert found[1][0].value == []
    assert left_behind() == []


def test_a_sandbox_that_its_code_ends_is_no_finding(bare: Sandbox) -> None:
    """What bubblewrap makes impossible: after three starts the build stops, and the next program has a start again."""
    hostile = "import os, time\ndef f():\n    os.kill(os.getppid(), 9)\n    time.sleep(60)\n"
    with pytest.raises(TransientError, match="went down 3 times") as caught:
        bare.python(hostile, [Case("f")])
    assert caught.value.transient
    assert "use bubblewrap" in str(caught.value)
    assert bare.python("def f(x): return x", [Case("f", (7,))])[0].value == 7
    for each in psutil.process_iter(["cmdline"]):  # the orphans of this mode are the kernel's to end, and it did
        assert str(bare._launcher.folder) not in " ".join(each.info["cmdline"] or [])


class Failing:
    """A start that answers a few cases and is gone."""

    def __init__(self, answers: int) -> None:
        self.answers = answers

    def run(self, job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for at, case in enumerate(job["cases"]):
            if at == self.answers:
                raise Gone
            yield {"how": "answer", "case": case}

    def close(self) -> None:
        pass


def test_a_job_whose_sandbox_goes_down_runs_whole_in_another() -> None:
    lives = iter([3, 2, 99, 0, 0, 0])
    lane = Lane(lambda: cast("Start", Failing(next(lives))))
    assert [each["case"] for each in lane.run({"cases": list(range(10))})] == list(range(10))
    lane.close()
    with pytest.raises(TransientError):
        lane.run({"cases": [8, 9]})
    assert next(lives, None) is None


@pytest.mark.parametrize(("kind", "seconds"), [("python", 260), ("command", 140)])
def test_a_sandbox_is_waited_for_as_long_as_its_job_may_take(kind: str, seconds: float) -> None:
    assert _patience({"kind": kind, "limits": {"wall": 120.0}}) == seconds


def test_nothing_is_looked_for_before_the_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    made = Sandbox(read_sandbox_settings({}))
    assert made.notes() == []
    made.close()
    with pytest.raises(MissingDependencyError, match="needs bubblewrap"):
        made.python("def f(): return 1", [Case("f")])


def test_what_a_dataset_asks_for_is_not_run_bare(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Sandbox(read_sandbox_settings({"isolation": "unprotected"}), protected=True)
    assert made.notes() == [UNPROTECTED]  # so the dataset was made, however it is run again
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingDependencyError, match="contrafact validate --unprotected") as caught:
        made.open()
    assert "isolation: unprotected" not in str(caught.value)


@pytest.mark.parametrize("mapped", [True, False])
def test_processes_are_counted_apart_only_for_a_user_of_ones_own(mapped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[int] = []

    def become(uid: int, *_: int) -> None:
        if uid != 65534 and not mapped:
            raise OSError(22, "Invalid argument")
        became.append(uid)

    monkeypatch.setattr(os, "setgroups", lambda groups: None)
    monkeypatch.setattr(os, "setresgid", become)
    monkeypatch.setattr(os, "setresuid", become)
    assert drop(1_000_000_007) is mapped
    assert became == [1_000_000_007 if mapped else 65534] * 2
    assert drop(None)


@pytest.mark.parametrize("own", [True, False])
def test_the_limit_on_processes_is_left_out_without_a_user_of_ones_own(
    own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: list[Place] = []

    class Served:
        def __init__(self, jobs: int, replies: int, place: Place) -> None:
            places.append(place)

        def serve(self) -> None:
            pass

    options = {"uid": 1_000_000_007, "isolated": True, "scratch": "/tmp", "counted": True}  # noqa: S108
    monkeypatch.setattr("sys.argv", ["harness", "4", json.dumps(options)])
    for name, value in (("drop", lambda uid: own), ("unseen", lambda isolated: None), ("Supervisor", Served)):
        monkeypatch.setattr(harness, name, value)
    monkeypatch.setattr("signal.signal", lambda number, action: None)
    harness.main()
    assert places[0].counted is own


def test_the_identity_names_limits_interpreter_and_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sandbox_identity({})
    assert sandbox_identity({"workers": 7}) == before
    assert sandbox_identity({"limits": {"cpu_seconds": 9}}) != before
    monkeypatch.setattr("platform.python_version", lambda: "3.99.0")
    assert sandbox_identity({}) != before


@pytest.mark.system("gcc")
def test_the_compiler_s_release_is_named_where_c_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "release" not in json.loads(sandbox_identity({}))
    named = json.loads(sandbox_identity({"compiler": "gcc"}, compiler=True))["release"]
    assert re.search(r"gcc.* \d+\.\d+", named)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingDependencyError, match="apt-get install gcc"):
        sandbox_identity({}, compiler=True)


def test_work_is_spread_in_order_and_an_error_is_the_caller_s() -> None:
    class Closed:
        def close(self) -> None:
            closed.append(1)

    closed: list[int] = []
    assert spread(range(50), lambda item, lane: item * 2, Closed, 4) == [item * 2 for item in range(50)]
    assert len(closed) == 4
    with pytest.raises(ZeroDivisionError):
        spread(range(3), lambda item, lane: item // 0, Closed, 2)


def test_messages_are_taken_whole_and_only_with_the_secret() -> None:
    secret, payload = b"s" * 16, b"some bytes"
    whole = secret + struct.pack(">I", len(payload)) + payload
    reader = Reader(secret, 100)
    for byte in whole:
        assert reader.take() is None
        reader.feed(bytes([byte]))
    assert reader.take() == payload
    for wrong in (b"t" + whole, secret + struct.pack(">I", 101)):
        reader = Reader(secret, 100)
        reader.feed(wrong)
        with pytest.raises(Broken):
            reader.take()


def test_the_filter_of_system_calls_is_whole_for_both_processors() -> None:
    for machine in ("x86_64", "aarch64"):
        code = program(machine)
        assert code is not None
        steps = [struct.unpack("=HBBI", code[at : at + 8]) for at in range(0, len(code), 8)]
        for at, (operation, true, false, _) in enumerate(steps):
            if operation & 7 == 5:  # a jump
                assert at + 1 + max(true, false) < len(steps)
        assert steps[-1] == (0x06, 0, 0, 0x7FFF0000)
    assert program("riscv64") is None
