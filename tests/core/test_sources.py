"""Units out of tables: ids, positions, formats, and every way in which a file can be wrong."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.errors import DataError, RecipeError
from contrafact.sources import TableSource, open_source

ROWS = 7


@pytest.fixture
def table() -> pa.Table:
    return pa.table({"key": [f"k{row}" for row in range(ROWS)], "x": np.arange(ROWS) * 0.5, "n": range(ROWS)})


def _write_csv(table: pa.Table, path: Path) -> None:
    lines = ["key,x,n", *(f"{row['key']},{row['x']},{row['n']}" for row in table.to_pylist())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_tsv(table: pa.Table, path: Path) -> None:
    _write_csv(table, path)
    path.write_text(path.read_text(encoding="utf-8").replace(",", "\t"), encoding="utf-8")


def _write_json(table: pa.Table, path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()), encoding="utf-8")


def _write_parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, row_group_size=2)


def _write_arrow(table: pa.Table, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def _write_stream(table: pa.Table, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)


def _write_gzipped(table: pa.Table, path: Path) -> None:
    plain = path.with_suffix("")
    _write_csv(table, plain)
    path.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()


WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {
    "units.csv": _write_csv,
    "units.tsv": _write_tsv,
    "units.jsonl": _write_json,
    "units.parquet": _write_parquet,
    "units.arrow": _write_arrow,
    "units.ipc": _write_stream,
    "units.csv.gz": _write_gzipped,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_units(name: str, table: pa.Table, tmp_path: Path) -> None:
    WRITERS[name](table, tmp_path / name)
    source = open_source(str(tmp_path / name))
    read = source.read(2, 5)
    assert source.rows() == ROWS
    assert read["unit_id"].to_pylist() == ["units-000000002", "units-000000003", "units-000000004"]
    assert read.drop_columns("unit_id").to_pylist() == table.slice(2, 3).to_pylist()
    assert read.schema == source.schema


@pytest.mark.parametrize("name", WRITERS)
def test_an_id_column_names_the_units_and_is_not_kept_twice(name: str, table: pa.Table, tmp_path: Path) -> None:
    WRITERS[name](table, tmp_path / name)
    source = open_source({"path": str(tmp_path / name), "id_column": "key"})
    assert source.read(0, 2)["unit_id"].to_pylist() == ["k0", "k1"]
    assert source.schema.names == ["unit_id", "x", "n"]


def test_whole_numbers_serve_as_ids_by_their_text(table: pa.Table) -> None:
    assert TableSource(table, id_column="n").read(3, 4)["unit_id"].to_pylist() == ["3"]


def test_a_column_called_unit_id_is_taken_without_asking(table: pa.Table) -> None:
    source = TableSource(table.rename_columns(["unit_id", "x", "n"]))
    assert source.read(0, 1)["unit_id"].to_pylist() == ["k0"]


@settings(max_examples=40, deadline=None)
@given(group=st.integers(1, 8), files=st.integers(1, 3), cut=st.tuples(st.integers(0, 25), st.integers(0, 25)))
def test_a_folder_of_parquet_reads_as_one_table(
    tmp_path_factory: pytest.TempPathFactory, group: int, files: int, cut: tuple[int, int]
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    whole = pa.table({"n": range(21)})
    ends = np.linspace(0, 21, files + 1).astype(int)
    for number, (first, last) in enumerate(itertools.pairwise(ends)):
        pq.write_table(whole.slice(first, last - first), folder / f"{number}.parquet", row_group_size=group)
    source = open_source(str(folder))
    start, stop = sorted(cut)
    assert source.rows() == 21
    assert source.read(start, stop)["n"].to_pylist() == list(range(21))[start:stop]


def test_reading_past_the_end_gives_what_there_is(table: pa.Table) -> None:
    source = TableSource(table)
    assert source.read(5, 99).num_rows == 2
    assert source.read(99, 120).num_rows == 0
    assert source.read(99, 120).schema == source.schema


def test_parquet_decodes_only_the_groups_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(pa.table({"n": range(100)}), tmp_path / "t.parquet", row_group_size=10)
    source = open_source(str(tmp_path / "t.parquet"))
    decoded: list[int] = []
    plain = pq.ParquetFile.read_row_group

    def counted(self: pq.ParquetFile, number: int, **options: Any) -> pa.Table:
        decoded.append(number)
        return plain(self, number, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", counted)
    source.read(42, 44)
    source.read(44, 46)
    source.read(48, 51)
    assert decoded == [4, 5]


def test_csv_types_are_told_by_the_whole_file(tmp_path: Path) -> None:
    rows = ["n", *(str(row) for row in range(300_000)), "0.5"]
    (tmp_path / "late.csv").write_text("\n".join(rows), encoding="utf-8")
    source = open_source(str(tmp_path / "late.csv"))
    assert source.schema.field("n").type == pa.float64()
    assert source.read(300_000, 300_001)["n"].to_pylist() == [0.5]


def test_a_missing_file_suggests_its_neighbour(table: pa.Table, tmp_path: Path) -> None:
    _write_csv(table, tmp_path / "units.csv")
    with pytest.raises(DataError, match=r"did you mean 'units\.csv'"):
        open_source(str(tmp_path / "unit.csv"))


def test_what_looks_like_a_hub_id_says_how_to_write_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="hf:owner/name"):
        open_source("owner/name")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"", "is empty"),
        ("head.csv", b"a,b\n", "has no rows"),
        ("latin.csv", "a\nok\ncaf\xe9\n".encode("latin-1"), "not UTF-8.*line 3"),
        ("cut.jsonl", b'{"a": "caf' + b"\xc3", "not UTF-8"),
        ("ragged.csv", b"a,b\n1,2\n1,2,3\n", "cannot be read.*Expected 2 columns"),
        ("twice.csv", b"a,a\n1,2\n", "two columns named a"),
        ("broken.jsonl", b'{"a": 1}\n{"a": \n', "cannot be read"),
        ("mixed.jsonl", b'{"a": 1}\n{"a": "text"}\n', "cannot be read"),
        ("fake.parquet", b"this is no parquet file at all", "cannot be read"),
        ("fake.arrow", b"this is no arrow file at all..", "cannot be read"),
        ("notes.txt", b"a,b\n1,2\n", "no format that is known by its suffix"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"(?s){message}"):
        open_source(str(tmp_path / name))


def test_the_format_can_be_named_where_the_suffix_does_not_tell(table: pa.Table, tmp_path: Path) -> None:
    _write_csv(table, tmp_path / "units.txt")
    assert open_source({"path": str(tmp_path / "units.txt"), "format": "csv"}).rows() == ROWS
    with pytest.raises(DataError, match=r"did you mean 'csv'"):
        open_source({"path": str(tmp_path / "units.txt"), "format": "cvs"})


@pytest.mark.parametrize(
    ("ids", "message"),
    [(["a", "b", "a"], "more than one row 'a'"), (["a", None, "b"], "missing cells"), ([0.5, 1.5, 2.5], "has type")],
)
def test_ids_that_do_not_name_every_unit_once_are_refused(ids: list[object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        TableSource(pa.table({"id": ids}), id_column="id")


def test_a_repeat_that_lies_far_away_is_found() -> None:
    ids = [*map(str, range(300_000)), "17"]
    with pytest.raises(DataError, match="more than one row '17'"):
        TableSource(pa.table({"id": ids}), id_column="id")


def test_an_unknown_id_column_suggests_the_nearest(table: pa.Table) -> None:
    with pytest.raises(DataError, match=r"did you mean 'key'"):
        TableSource(table, id_column="keys")


def test_parts_of_another_schema_are_refused_by_name(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": [1.5]}), tmp_path / "2.parquet")
    with pytest.raises(DataError, match=r"2\.parquet has other columns.*a is double rather than int64"):
        open_source(str(tmp_path))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is empty"):
        open_source(str(tmp_path))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"pth": "x.csv"}, r"did you mean 'path'"),
        ({"path": "x.csv", "dataset": "a/b"}, "either a path or a dataset"),
        ({"id_column": "x"}, "either a path or a dataset"),
        ({"path": 7}, "must be text"),
    ],
)
def test_a_source_that_is_written_wrong_is_a_mistake_of_the_recipe(spec: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        open_source(spec)


def test_a_saved_dataset_opens_by_split_and_keeps_its_own_order(tmp_path: Path) -> None:
    import datasets

    train = datasets.Dataset.from_dict({"n": list(range(6))}).select([5, 3, 1])
    saved = datasets.DatasetDict({"train": train, "test": datasets.Dataset.from_dict({"n": [9]})})
    saved.save_to_disk(str(tmp_path / "saved"))
    source = open_source({"dataset": str(tmp_path / "saved")})
    assert source.read(0, 3)["n"].to_pylist() == [5, 3, 1]
    assert source.read(0, 1)["unit_id"].to_pylist() == ["saved-train-000000000"]
    assert open_source({"path": str(tmp_path / "saved"), "split": "test"}).read(0, 1)["n"].to_pylist() == [9]
    with pytest.raises(DataError, match=r"did you mean 'test'"):
        open_source({"dataset": str(tmp_path / "saved"), "split": "tests"})


def test_a_dataset_on_the_hub_is_out_of_reach_offline() -> None:
    with pytest.raises(DataError, match="there is no dataset 'nobody/nothing' to be had"):
        open_source("hf:nobody/nothing")
