"""The lock of a run directory says who has it, and the dead do not keep it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from contrafact.store.lock import Held, Lock, Owner

ROOT = Path(__file__).parent.parent.parent
HOLDER = """
import sys, time
from pathlib import Path
from contrafact.store.lock import Lock
Lock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A lock that another process holds."""
    path = tmp_path / ".lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield path, process
        process.kill()


@pytest.fixture
def _no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that knows no locks, such as some network ones."""

    def refused(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refused)


def someone(**changes: object) -> str:
    return json.dumps({**asdict(Owner.this()), **changes})


def test_the_second_learns_who_was_first(held: tuple[Path, subprocess.Popen[str]]) -> None:
    path, process = held
    with pytest.raises(Held) as caught:
        Lock(path).acquire()
    owner = caught.value.owner
    assert owner is not None
    assert owner.pid == process.pid
    assert not owner.gone()
    assert str(owner).startswith(f"process {process.pid} on {Owner.this().host} since 20")
    assert Owner.read(path.read_text(encoding="utf-8")) == owner, "the attempt left the owner's name as it was"


def test_a_lock_whose_owner_was_killed_is_taken(held: tuple[Path, subprocess.Popen[str]]) -> None:
    path, process = held
    process.send_signal(signal.SIGKILL)
    process.wait()
    lock = Lock(path)
    lock.acquire()
    assert lock.stale is not None
    assert lock.stale.pid == process.pid
    lock.release()
    assert path.read_bytes() == b""


def test_two_locks_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    first, second = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    first.acquire()
    with pytest.raises(Held, match="this process on"):
        second.acquire()
    first.release()
    first.release()
    second.acquire()
    second.release()


def test_a_lock_file_that_was_deleted_meanwhile_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = Lock(path)
    first.acquire()
    path.unlink()
    second = Lock(path)
    second.acquire()  # somebody removed the file by hand: nobody can see the first any more
    assert path.is_file()
    second.release()
    first.release()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_file_that_names_nobody_keeps_nobody_out(text: str, tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text(text, encoding="utf-8")
    lock = Lock(path)
    lock.acquire()
    assert lock.stale is None
    lock.release()


def test_an_owner_is_gone_with_its_process_its_machine_or_its_number() -> None:
    here = Owner.this()
    assert not here.gone()
    assert replace(here, boot="another start of this machine").gone()
    assert replace(here, started="1").gone(), "its number was given to another process"
    assert replace(here, pid=2**22 + 1).gone()
    assert not replace(here, host="elsewhere").gone(), "nobody can tell from here"
    assert not replace(here, space="pid:[1]", pid=2**22 + 1).gone(), "nobody can see into another container"


@pytest.mark.usefixtures("_no_locks")
class TestWithoutLocks:
    def test_whose_name_is_there_has_it(self, tmp_path: Path) -> None:
        first, second = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
        first.acquire()
        with pytest.raises(Held, match="this process"):
            second.acquire()
        first.release()
        assert not (tmp_path / "lock").exists()
        second.acquire()
        second.release()

    def test_the_dead_do_not_keep_it(self, tmp_path: Path) -> None:
        path = tmp_path / "lock"
        path.write_text(someone(pid=2**22 + 1), encoding="utf-8")
        lock = Lock(path)
        lock.acquire()
        assert lock.stale is not None
        owner = Owner.read(path.read_text(encoding="utf-8"))
        assert owner is not None
        assert owner.pid == os.getpid()
        lock.release()
        assert not list(tmp_path.iterdir())

    def test_who_cannot_be_seen_keeps_it(self, tmp_path: Path) -> None:
        path = tmp_path / "lock"
        path.write_text(someone(host="elsewhere"), encoding="utf-8")
        with pytest.raises(Held, match="on elsewhere since"):
            Lock(path).acquire()
