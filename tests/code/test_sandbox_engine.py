"""Settings, the weaker mode, and what becomes of a batch whose sandbox goes down."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from contrafact.engines.sandbox import UNPROTECTED, Case, Limits, Program, Sandbox, open_sandbox, read_sandbox_settings
from contrafact.engines.sandbox.batch import Lane, spread
from contrafact.engines.sandbox.inside.frames import Broken, Reader
from contrafact.engines.sandbox.seccomp import program
from contrafact.engines.sandbox.start import Gone, Start
from contrafact.errors import MissingDependencyError, RecipeError

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
    assert psutil.Process().children(recursive=True) == []


def test_code_that_kills_its_supervisor_loses_its_own_case(bare: Sandbox) -> None:
    """What bubblewrap makes impossible; the batch goes on in another start, twice, then gives the program up."""
    source = """
import os, time
def f(x):
    if x % 2:
        os.kill(os.getppid(), 9)
        time.sleep(60)
    return x
"""
    good = Program("def f(x): return x", [Case("f", (7,))])
    hostile = Program(source, [Case("f", (x,)) for x in range(6)])
    found = bare.python_many([good, hostile, good])
    assert [each.value for each in (*found[0], *found[2])] == [7, 7]
    assert [each.kind for each in found[1]] == ["ok", "killed", "ok", "killed", "lost", "lost"]
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


def test_no_case_is_lost_or_answered_twice_when_sandboxes_go_down() -> None:
    lives = iter([3, 2, 99])
    lane = Lane(lambda: cast("Start", Failing(next(lives))))
    replies = lane.run({"cases": list(range(10))})
    assert [each.get("case", each["how"]) for each in replies] == [
        0,
        1,
        2,
        "signal",
        4,
        5,
        "signal",
        "lost",
        "lost",
        "lost",
    ]
    assert [each["case"] for each in lane.run({"cases": [8, 9]})] == [8, 9]


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
