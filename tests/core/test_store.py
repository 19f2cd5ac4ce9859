"""Files that are whole or absent, and a run directory that knows whose it is."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contrafact.errors import RunDirectoryError, StorageError
from contrafact.store.atomic import atomic_path, read_json, storage_errors, write_json, write_text
from contrafact.store.changes import recipe_changes
from contrafact.store.layout import FORMAT, RunDirectory
from contrafact.store.parquet import StoredFile, read_arrow, read_parquet, write_arrow, write_parquet
from tests.core.builds import built, toy


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    write_text(path, "old")

    def half(temporary: Path) -> None:
        temporary.write_text("half")
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"), atomic_path(path) as temporary:
        half(temporary)
    assert path.read_text() == "old"
    assert [each.name for each in path.parent.iterdir()] == ["file.txt"]


def watch(steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Note every flush by the name of what is flushed, and every rename by the new name."""
    flush, rename = os.fsync, Path.replace

    def noted_flush(handle: int) -> None:
        steps.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        flush(handle)

    def noted_rename(path: Path, target: Path) -> Path:
        steps.append(f"rename {target.name}")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noted_flush)
    monkeypatch.setattr(Path, "replace", noted_rename)


def test_what_is_written_was_flushed_before_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    watch(steps, monkeypatch)
    write_text(tmp_path / "file.txt", "text")
    assert steps == [".tmp-file.txt", "rename file.txt"]


def test_the_names_of_all_files_are_on_the_disk_before_the_manifest_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    watch(steps, monkeypatch)
    built(toy({"fail_every": 3}), tmp_path / "toy")
    last = steps.index("rename manifest.json")
    assert {"data", "rejected", "toy"} <= set(steps[:last])
    assert min(steps.index(name) for name in ("data", "rejected")) > max(
        place for place, step in enumerate(steps[:last]) if step.endswith(".parquet")
    )
    assert steps[last + 1 :] == ["toy"]


@pytest.mark.parametrize("text", ["", '{"a": 1', "\x00\x00", "{]"])
def test_json_that_was_cut_off_counts_as_missing(text: str, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert read_json(path) is None
    path.write_text(text, encoding="utf-8")
    assert read_json(path) is None
    write_json(path, {"b": 1, "a": "é"})
    assert read_json(path) == {"b": 1, "a": "é"}
    assert list(json.loads(path.read_text(encoding="utf-8"))) == ["b", "a"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EDQUOT, "quota"),
        (errno.EACCES, "not permitted"),
        (errno.EIO, "errors"),
    ],
)
def test_a_disk_that_takes_no_more_is_one_message_that_says_how_to_go_on(number: int, words: str) -> None:
    with pytest.raises(StorageError, match=words) as caught, storage_errors(Path("place")):
        raise OSError(number, "whatever the kernel says")
    assert caught.value.exit_code == 3
    assert "same command" in str(caught.value)
    assert "place" in str(caught.value)


def test_another_error_is_not_taken_for_the_disks() -> None:
    with pytest.raises(FileNotFoundError), storage_errors(Path("place")):
        raise FileNotFoundError(errno.ENOENT, "not there")


def table(rows: int = 1000) -> pa.Table:
    numbers = np.arange(rows)
    return pa.table(
        {"pair_id": [f"p{number}" for number in numbers], "x": numbers * 0.5, "kind": ["a", "b"] * (rows // 2)}
    )


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    one = write_parquet(table(), tmp_path / "one" / "x.parquet", tmp_path / "one")
    chunked = pa.concat_tables([table().slice(0, 10), table().slice(10)]).combine_chunks()
    two = write_parquet(chunked, tmp_path / "two" / "x.parquet", tmp_path / "two")
    assert one == two
    assert (tmp_path / "one/x.parquet").read_bytes() == (tmp_path / "two/x.parquet").read_bytes()
    assert read_parquet(tmp_path / "one/x.parquet").replace_schema_metadata(None) == table()


def test_a_stored_file_knows_when_it_was_changed(tmp_path: Path) -> None:
    stored = write_parquet(table(), tmp_path / "data" / "x.parquet", tmp_path)
    assert stored == StoredFile(**stored.spec())
    assert stored.path == "data/x.parquet"
    assert stored.rows == 1000
    path = tmp_path / stored.path
    content = bytearray(path.read_bytes())
    assert stored.intact(tmp_path, deep=True)
    content[500] ^= 1
    path.write_bytes(content)
    assert stored.intact(tmp_path, deep=False)
    assert not stored.intact(tmp_path, deep=True)
    path.write_bytes(content[:-1])
    assert not stored.intact(tmp_path, deep=False)
    path.unlink()
    assert not stored.intact(tmp_path, deep=False)


def test_identifiers_and_floats_are_not_stored_as_dictionaries(tmp_path: Path) -> None:
    write_parquet(table(), tmp_path / "x.parquet", tmp_path)
    group = pq.ParquetFile(tmp_path / "x.parquet").metadata.row_group(0)
    encodings = {group.column(number).path_in_schema: group.column(number).encodings for number in range(3)}
    assert {name: "RLE_DICTIONARY" in each for name, each in encodings.items()} == {
        "pair_id": False,
        "x": False,
        "kind": True,
    }


def test_waiting_tables_come_back_as_they_were(tmp_path: Path) -> None:
    write_arrow(table(), tmp_path / "x.arrow")
    assert read_arrow(tmp_path / "x.arrow") == table()
    write_arrow(table(0), tmp_path / "x.arrow")
    assert read_arrow(tmp_path / "x.arrow").num_rows == 0


MANIFEST: dict[str, Any] = {
    "format": FORMAT,
    "identity": "me",
    "name": "mine",
    "ended": "3 units",
    "identity_parts": {"recipe": "a", "libraries": "b"},
    **dict.fromkeys(("units", "proposed", "accepted", "rejected", "exact"), 0),
    **{name: {} for name in ("label_sources", "splits", "reasons", "also")},
    **{name: [] for name in ("funnel", "shards", "files")},
}


def test_a_folder_is_claimed_once_and_remembered(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "run")
    with directory.locked():
        assert directory.claim("nobody", "theirs") is False
        assert directory.claim("me", "mine") is False, "nothing was finished for nobody: the folder may change hands"
        assert directory.claim("me", "mine") is False
        write_json(directory.report("proposed", 0), {"shard": 0})
    with pytest.raises(RunDirectoryError, match=r"belongs to another recipe .*mine, identity me; this one is you"):
        directory.claim("you", "yours")
    write_json(directory.manifest, MANIFEST)
    assert directory.claim("me", "mine") is True
    assert not directory.work.exists()
    with pytest.raises(RunDirectoryError, match="belongs to another recipe"):
        directory.claim("you", "yours")


def test_what_changed_is_named_and_libraries_only_stop_a_build_that_is_unfinished(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "run")
    with directory.locked():
        assert directory.claim("me", "mine", {"recipe": "a", "libraries": "b"}) is False
        write_json(directory.report("proposed", 0), {"shard": 0})
    with pytest.raises(RunDirectoryError, match=r"this one is you\): recipe changed\n"):
        directory.claim("you", "mine", {"recipe": "other", "libraries": "b"})
    with pytest.raises(RunDirectoryError, match=r": libraries changed\n  fix: install the versions that it was begun"):
        directory.claim("you", "mine", {"recipe": "a", "libraries": "other"})
    write_json(directory.manifest, MANIFEST)
    assert directory.claim("you", "mine", {"recipe": "a", "libraries": "other"}) is True
    with pytest.raises(RunDirectoryError, match=r": recipe, libraries changed"):
        directory.claim("you", "mine", {"recipe": "other", "libraries": "other"})


def test_how_a_recipe_changed_is_told_in_a_few_words_where_the_old_one_can_be_read(tmp_path: Path) -> None:
    stored = tmp_path / "recipe.yaml"
    new: dict[str, Any] = {"rows": 7466, "filters": {"flip": {"want": "flip"}}, "generator": {"use": "scm"}}
    assert recipe_changes(stored, new) == ""
    for text, told in (
        ("rows: 300\nworkers: 2\nfilters: {flip: {want: flip}}\ngenerator: {use: scm}", "rows was 300, is 7466"),
        ("rows: 7466\nfilters: {flip: {want: keep}, graph: {}}\ngenerator: {use: scm}\naccept: 5",
         "filters.flip.want was keep, is flip; filters.graph was {}, is not set; accept was 5, is not set"),
        ("a: 1\nb: 2\nc: 3\nd: 4\nrows: 7466\nfilters: {flip: {want: flip}}\ngenerator: {use: scm}",
         "a was 1, is not set; b was 2, is not set; c was 3, is not set; and 1 more"),
        (f"rows: {'long ' * 20}\nfilters: {{flip: {{want: flip}}}}\ngenerator: {{use: scm}}", "rows changed"),
        ("a: [", ""), ("- a", ""), ("", ""),
    ):  # fmt: skip
        stored.write_text(text, encoding="utf-8")
        assert recipe_changes(stored, new) == told


def test_another_recipe_is_refused_before_anything_is_made_of_it(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    directory.check_recipe("a", {})  # nobody's yet
    write_json(directory.manifest, MANIFEST)
    directory.check_recipe("a", {"rows": 1})
    directory.recipe.write_text("rows: 300", encoding="utf-8")
    with pytest.raises(RunDirectoryError, match=r": recipe changed \(rows was 300, is 7466\)\n  fix: give --out"):
        directory.check_recipe("b", {"rows": 7466})


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("precious", encoding="utf-8")
    directory = RunDirectory(tmp_path)
    with pytest.raises(RunDirectoryError, match=r"not empty \(it holds a\.txt, b\.txt\)"), directory.locked():
        pass
    with pytest.raises(RunDirectoryError, match="not empty"):
        directory.claim("me", "mine")
    assert {each.name for each in tmp_path.iterdir()} == {"a.txt", "b.txt"}


def test_another_version_of_the_format_is_not_touched(tmp_path: Path) -> None:
    write_json(tmp_path / "manifest.json", {"format": FORMAT + 1, "identity": "me"})
    with pytest.raises(RunDirectoryError, match=f"has format {FORMAT + 1}: a later version of contrafact wrote it"):
        RunDirectory(tmp_path).claim("me", "mine")


def test_two_builds_do_not_meet_in_one_folder(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "run")
    # Each holder has a lock object of its own, as another process would.
    with (
        directory.locked(),
        pytest.raises(RunDirectoryError, match="another build is at work") as caught,
        directory.locked(),
    ):
        pass
    assert caught.value.fix is not None
    with directory.locked():
        pass


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_in_the_folders_place_is_told(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious", encoding="utf-8")
    with (
        pytest.raises(RunDirectoryError, match=r"cannot be made a folder: (File exists|Not a directory)"),
        RunDirectory(tmp_path / place).locked(),
    ):
        pass
    assert (tmp_path / "file").read_text(encoding="utf-8") == "precious"


def test_a_name_that_no_folder_can_have_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(RunDirectoryError, match=r"cannot be made a folder: File name too long"),
        RunDirectory(tmp_path / ("x" * 300)).locked(),
    ):
        pass
