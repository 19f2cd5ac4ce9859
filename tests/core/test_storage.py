"""A disk that is full or read-only half-way: one message, and the same command goes on when there is room."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from contrafact.errors import StorageError
from contrafact.pipeline import Work, build, local_mapper
from contrafact.shards import Report
from contrafact.store.atomic import atomic_path
from tests.core.builds import EVERY_OTHER, SMALL, built, plan_of, toy, tree
from tests.flows.commands import contrafact, spawned

RECIPE = """
name: toy
{amount}
shard_rows: 2000
workers: 2
generator: {{use: "tests.core.toys:Parity", fail_every: 7}}
filters:
  turn: {{use: "tests.core.toys:EveryOther"}}
"""
FULL = "/dev/full"


class Disk:
    """A small file system in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def remount(self, options: str) -> None:
        self._mount("-o", f"remount,{options}", self.path)

    def freeze(self, folder: Path) -> None:
        """Make one folder read-only. The whole disk cannot turn so while the lock file is open for writing."""
        self._mount("--bind", folder, folder)
        self._mount("-o", "remount,bind,ro", folder)

    def thaw(self, folder: Path) -> None:
        subprocess.run(["umount", str(folder)], check=True, capture_output=True, timeout=20)

    def _mount(self, *arguments: object) -> None:
        subprocess.run(["mount", *map(str, arguments)], check=True, capture_output=True, timeout=20)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Half a megabyte that fills up. Mounting needs root: elsewhere, the tests on ``/dev/full`` stand in for these."""
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(path)]
    made = (
        subprocess.run(command, capture_output=True, text=True, timeout=20, check=False) if os.geteuid() == 0 else None
    )
    if made is None or made.returncode:
        pytest.skip("needs the right to mount: run as root to have a disk that really fills up")
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True, capture_output=True, timeout=20)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "toy.yaml"
    path.write_text(RECIPE.format(amount="rows: 20000"), encoding="utf-8")
    return path


def test_a_disk_that_fills_up_is_one_message_and_the_same_command_goes_on(
    disk: Disk, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = disk.path / "toy"
    full = contrafact(capsys, "build", recipe, "--local", "--out", out)
    assert full.code == 3
    assert full.err.count("error:") == 1
    assert "the disk is full" in full.text
    assert "then run the same command: it resumes" in full.text
    assert "Traceback" not in full.text
    assert list((out / ".work" / "proposed").glob("*.json")), "the disk was meant to fill up half-way"
    assert not (out / "manifest.json").exists()
    assert not list(out.rglob(".tmp-*"))

    disk.remount("size=64m")
    resumed = contrafact(capsys, "build", recipe, "--local", "--out", out)
    assert resumed.code == 0
    whole = contrafact(capsys, "build", recipe, "--local", "--out", tmp_path / "whole")
    assert whole.code == 0
    assert tree(out) == tree(tmp_path / "whole")


@pytest.mark.parametrize("after", [1, 6, 8])
def test_a_disk_that_turns_read_only_half_way_is_resumed_when_it_can_be_written(
    after: int, disk: Disk, tmp_path: Path
) -> None:
    disk.remount("size=64m")
    recipe = toy(filters={"small": SMALL, "turn": EVERY_OTHER})
    plan = plan_of(recipe, disk.path / "toy")
    seen: list[str] = []

    def one_by_one(stage: str, step: Work, shards: Sequence[int]) -> Iterator[Report]:
        yield from map(step, shards)

    def spoil(stage: str, report: Report) -> None:
        seen.append(stage)
        if len(seen) == after:
            disk.freeze(plan.directory.work)

    with pytest.raises(StorageError, match="the file system is read-only") as caught:
        build(plan, one_by_one, spoil)
    assert caught.value.exit_code == 3
    assert len(seen) == after
    disk.thaw(plan.directory.work)
    build(plan, local_mapper(2))
    built(recipe, tmp_path / "whole")
    assert tree(disk.path / "toy") == tree(tmp_path / "whole")


def test_a_folder_on_a_read_only_disk_is_refused_at_once(
    disk: Disk, recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk.remount("ro")
    refused = contrafact(capsys, "build", recipe, "--local", "--out", disk.path / "toy")
    assert refused.code == 3
    assert "the file system is read-only" in refused.text
    assert "Traceback" not in refused.text


def test_a_folder_where_nobody_may_write_is_refused(recipe: Path, tmp_path: Path) -> None:
    """Through a process of its own. Root may write nearly anywhere; nobody makes folders in /proc."""
    place = Path("/proc/self/contrafact")
    if os.geteuid():
        place = tmp_path / "locked" / "toy"
        place.parent.mkdir(mode=0o555)
    refused = spawned("build", recipe, "--local", "--out", place)
    assert refused.code in (2, 3)
    assert refused.err.count("error:") == 1
    assert str(place) in refused.text
    assert "Traceback" not in refused.text


FILES = (
    ".work/candidates/00002.arrow",
    "data/train-00001.parquet",
    ".work/finished/00003.json",
    "README.md",
    "manifest.json",
)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_the_kernel_finds_no_room_for_stops_and_resumes(name: str, tmp_path: Path) -> None:
    """The temporary name of one file leads to ``/dev/full``, where every write meets a full disk."""
    recipe = toy(filters={"small": SMALL, "turn": EVERY_OTHER})
    built(recipe, tmp_path / "whole")
    plan = plan_of(recipe, tmp_path / "toy")
    target = tmp_path / "toy" / name
    planted: list[str] = []

    def plant(stage: str, report: Report) -> None:
        if not planted:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.with_name(f".tmp-{target.name}").symlink_to(FULL)
            planted.append(stage)

    with pytest.raises(StorageError, match="the disk is full") as caught:
        build(plan, local_mapper(1), plant)
    assert target.name in str(caught.value)
    assert not (tmp_path / "toy" / "manifest.json").exists()
    build(plan, local_mapper(2))
    assert tree(tmp_path / "toy") == tree(tmp_path / "whole")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_write_that_fails_half_way_leaves_nothing(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(table: Any, where: Path, **options: Any) -> None:
        Path(where).write_bytes(b"half a file")
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(pq, "write_table", half)
    with pytest.raises(StorageError):
        built(toy(), tmp_path / "toy")
    assert not list((tmp_path / "toy").rglob("*.parquet"))
    monkeypatch.undo()
    built(toy(), tmp_path / "toy")
    built(toy(), tmp_path / "whole")
    assert tree(tmp_path / "toy") == tree(tmp_path / "whole")


def test_an_error_that_is_not_the_disks_is_not_called_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the author's"), atomic_path(tmp_path / "x"):
        raise ValueError("the author's")
