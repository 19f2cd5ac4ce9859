"""Units that come out of a table: a file, a folder, an Arrow table or a Hugging Face dataset, read by position.

========================================== ===================================================================
CSV, TSV, JSON Lines (also .gz, .bz2, .zst) read whole into memory, once: their types are known only at the end
Parquet file, or folder of Parquet          one row group at a time
Arrow (IPC) file                            memory-mapped
Arrow table                                 as it is
Hugging Face dataset (hub or folder)        memory-mapped by ``datasets``
========================================== ===================================================================
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast, get_args

import pyarrow as pa

from contrafact.errors import DataError, RecipeError, did_you_mean
from contrafact.rows import (
    InMemory,
    ParquetFiles,
    Rows,
    check_ids,
    check_names,
    is_saved_dataset,
    map_arrow,
    numbered,
    open_dataset,
    read_json_lines,
    read_separated,
)
from contrafact.stages import Source

__all__ = ["Format", "TableSource", "open_source"]

Format = Literal["csv", "tsv", "jsonl", "parquet", "arrow"]
FORMATS: tuple[Format, ...] = get_args(Format)
_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
_COMPRESSED = (".gz", ".bz2", ".zst")
_KEYS = ("path", "dataset", "config", "split", "revision", "format", "id_column")
_HUB = "hf:"
_BLOCK = 1 << 20
_HASHED_ROWS = 65_536


class TableSource(Source):
    """Units of one table, in the table's order.

    Parameters
    ----------
    rows : pyarrow.Table or Rows
        The table itself, or something that reads it by position.
    name : str
        Stem of the units' ids where the table has none: ``<name>-000000042`` is the row numbered 42, from 0.
    id_column : str, optional
        Column that names each unit. Integers and strings are told by their text. A column called ``unit_id`` is taken
        without asking.

    Raises
    ------
    DataError
        For a table without rows, two columns of one name, or an id column that is not there, has missing cells or
        names two units alike.
    """

    def __init__(self, rows: pa.Table | Rows, name: str = "table", *, id_column: str | None = None) -> None:
        self._rows = InMemory(rows) if isinstance(rows, pa.Table) else rows
        self.name = name
        self._identity: str | None = None
        names = self._rows.schema.names
        check_names(names, name)
        self.id_column = id_column or ("unit_id" if "unit_id" in names else None)
        if not self._rows.count:
            raise DataError(f"{name} has no rows", fix="give a table with at least one row")
        if self.id_column is not None:
            check_ids(self._rows, self.id_column, name)

    @property
    def schema(self) -> pa.Schema:
        """Schema of what :meth:`read` returns: ``unit_id`` first, then the table's other columns."""
        kept = [column for column in self._rows.schema if column.name not in ("unit_id", self.id_column)]
        return pa.schema([pa.field("unit_id", pa.string(), nullable=False), *kept])

    def rows(self) -> int:
        """How many units there are."""
        return self._rows.count

    def identity(self) -> str:
        """Hash of names, types and every cell, read once, a stretch of rows at a time."""
        if self._identity is None:
            digest = hashlib.sha256(str(self.schema).encode())
            for start in range(0, self.rows(), _HASHED_ROWS):
                sink = pa.BufferOutputStream()
                rows = self.read(start, min(start + _HASHED_ROWS, self.rows())).combine_chunks()
                with pa.ipc.new_stream(sink, rows.schema) as writer:
                    writer.write_table(rows)
                digest.update(sink.getvalue())
            self._identity = digest.hexdigest()
        return self._identity

    def read(self, start: int, stop: int) -> pa.Table:
        """Units ``start`` to ``stop``; as with a slice, what lies past the end is left out."""
        stop = min(stop, self._rows.count)
        table = self._rows.read(min(start, stop), stop)
        if self.id_column is None:
            ids = numbered(self.name, min(start, stop), stop)
        else:
            ids = table[self.id_column].cast(pa.string())
        columns = [ids, *(table[name] for name in self.schema.names[1:])]
        return pa.Table.from_arrays(columns, schema=self.schema)


def open_source(spec: Mapping[str, Any] | str, folder: Path | None = None) -> TableSource:
    """Open what a recipe names as its source.

    Parameters
    ----------
    spec : str or mapping
        A path, or ``hf:owner/name``, or a mapping with ``path`` or ``dataset`` and, where wanted, ``format`` (csv,
        tsv, jsonl, parquet or arrow; else told by the suffix), ``id_column``, and for a dataset ``config``, ``split``
        and ``revision``.
    folder : Path, optional
        Where a relative path is looked for before the current folder: the recipe's own.

    Raises
    ------
    RecipeError
        For an unknown key, or neither or both of ``path`` and ``dataset``.
    DataError
        For a file that is not there, is empty, has no rows, is not UTF-8 or does not parse.
    TransientError
        Where the hub did not answer.
    """
    options = _options(spec)
    if "dataset" in options:
        rows, name = open_dataset(
            options["dataset"], options.get("config"), options.get("split"), options.get("revision")
        )
    else:
        rows, name = _open_path(_placed(Path(options["path"]).expanduser(), folder), options)
    return TableSource(rows, name, id_column=options.get("id_column"))


def _options(spec: Mapping[str, Any] | str) -> dict[str, Any]:
    if isinstance(spec, str):
        return {"dataset": spec.removeprefix(_HUB)} if spec.startswith(_HUB) else {"path": spec}
    for key in spec:
        if key not in _KEYS:
            raise RecipeError(f"a source has no key {key!r}{did_you_mean(str(key), _KEYS)}", allowed=", ".join(_KEYS))
    if ("path" in spec) == ("dataset" in spec):
        raise RecipeError(
            "a source names either a path or a dataset",
            allowed="path: units.csv, or dataset: owner/name",
            fix="give exactly one of the two",
        )
    options = {key: value for key, value in spec.items() if value is not None}
    for key, value in options.items():
        if not isinstance(value, str | Path):
            raise RecipeError(f"{key} of a source must be text, not {value!r}", fix=f"{key}: some_text")
    return options


def _placed(path: Path, folder: Path | None) -> Path:
    return folder / path if folder is not None and (folder / path).exists() else path


def _open_path(path: Path, options: Mapping[str, Any]) -> tuple[Rows, str]:
    if not path.exists():
        raise _not_there(path)
    if path.is_dir():
        return _open_folder(path, options)
    name, suffix = _stem_and_suffix(path)
    kind = options.get("format") or _SUFFIXES.get(suffix)
    if kind not in FORMATS:
        raise DataError(
            f"{path.name} has no format that is known by its suffix {suffix!r}"
            if "format" not in options
            else f"{kind!r} is no format of a table{did_you_mean(str(kind), FORMATS)}",
            allowed=", ".join(FORMATS),
            fix="add format: csv (or another) to the source",
        )
    if not path.stat().st_size:
        raise DataError(f"{path.name} is empty (0 bytes)", fix="give a file with at least one row")
    return _READERS[kind](path), name


def _open_folder(path: Path, options: Mapping[str, Any]) -> tuple[Rows, str]:
    files = sorted(path.rglob("*.parquet"))
    if files and options.get("format", "parquet") == "parquet" and not is_saved_dataset(path):
        return ParquetFiles(files), path.name
    if not any(path.iterdir()):
        raise DataError(f"the folder {path.name} is empty", fix="give a folder that holds .parquet files")
    return open_dataset(str(path), None, options.get("split"), None)


def _text(read: Callable[[Path], pa.Table]) -> Callable[[Path], Rows]:
    def opened(path: Path) -> Rows:
        _check_utf8(path)
        return InMemory(read(path))

    return opened


_READERS: dict[Format, Callable[[Path], Rows]] = {
    "csv": _text(lambda path: read_separated(path, ",")),
    "tsv": _text(lambda path: read_separated(path, "\t")),
    "jsonl": _text(read_json_lines),
    "parquet": lambda path: ParquetFiles([path]),
    "arrow": lambda path: InMemory(map_arrow(path)),
}


def _check_utf8(path: Path) -> None:
    """Raise where the text is not UTF-8: Arrow would hand such columns on as bytes, without a word."""
    decoder, lines = codecs.getincrementaldecoder("utf-8")(), 1
    with pa.input_stream(str(path), compression="detect") as stream:
        more = True
        while more:
            block = cast("bytes", stream.read(_BLOCK))
            more = bool(block)
            try:
                decoder.decode(block, final=not more)
            except UnicodeDecodeError as error:
                line = lines + block[: error.start].count(b"\n")
                raise DataError(
                    f"{path.name} is not UTF-8: it cannot be decoded near line {line}",
                    allowed="text in UTF-8",
                    fix=f"iconv -f LATIN1 -t UTF-8 {path.name} > utf8_{path.name}  (with the encoding it is in)",
                ) from None
            lines += block.count(b"\n")


def _stem_and_suffix(path: Path) -> tuple[str, str]:
    bare = path.with_suffix("") if path.suffix.lower() in _COMPRESSED else path
    return bare.stem, bare.suffix.lower()


def _not_there(path: Path) -> DataError:
    neighbours: Sequence[str] = ()
    if path.parent.is_dir():
        neighbours = [each.name for each in path.parent.iterdir()]
    hint = did_you_mean(path.name, neighbours)
    looks_like_hub = re.fullmatch(r"[\w.-]+/[\w.-]+", str(path)) and not path.suffix and not path.parent.is_dir()
    fix = f"for a dataset on the hub write {_HUB}{path}" if looks_like_hub else "check the path; it is read from here"
    return DataError(f"there is no file or folder {str(path)!r}{hint}", fix=fix)
