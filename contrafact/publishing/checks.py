"""What is looked at before anything goes up: names, secrets in texts, columns, and cells that the Hub cannot show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contrafact.errors import DataError, HubError, UserError
from contrafact.publishing.contents import Item

__all__ = ["LARGE_CELL", "check_columns", "check_name", "check_revision", "check_secrets", "large_cells"]

LARGE_CELL = 10_000_000
"""Bytes of one cell from which on it is told: the Hub's viewer shows no row group with such cells."""

_LONGEST_NAME = 500
_SECRET = re.compile(
    r"\bhf_[A-Za-z0-9]{30,}|\bsk-[A-Za-z0-9_-]{20,}|\bgh[pousr]_[A-Za-z0-9]{30,}|\bAKIA[0-9A-Z]{16}\b"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)


def check_name(repository: str) -> None:
    """Raise ``HubError`` unless it is ``namespace/name`` in letters that the Hub allows."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repository)
        why = "" if repository.count("/") == 1 else "the namespace is missing"
    except HFValidationError as error:
        why = str(error).removesuffix(f": '{repository}'.").rstrip(".")
    if why:
        bare = re.sub(r"[^A-Za-z0-9._-]+|-{2,}|\.{2,}", "-", repository.rpartition("/")[2]).strip("-.") or "name"
        raise HubError(
            f"{repository!r} cannot be the name of a repository: {why}",
            allowed="namespace/name in letters, digits, '-', '_' and '.', at most 96 of them",
            fix=f"contrafact push DIR your-name/{bare.removesuffix('.git')}"
            "; hf auth whoami says which namespaces are yours",
        )


def check_revision(name: str, kind: str) -> None:
    """Raise ``HubError`` unless git takes it as the name of a branch or tag (``kind``)."""
    wrong = re.search(r"[\x00-\x20~^:?*\[\\\x7f]|\.\.|@\{|//|^[-/.]|[/.]$|\.lock$|/\.|^@$|^refs/|^[0-9a-f]{40}$", name)
    if not name or wrong:
        raise HubError(
            f"{name!r} cannot be the name of a {kind}",
            allowed="letters, digits, '-', '_', '.' and '/' between them",
            fix=f"--{'revision' if kind == 'branch' else kind} v1",
        )


def check_secrets(items: Iterable[Item], token: str | None) -> None:
    """Raise ``UserError`` where a text that would go up holds what looks like a key, or the token itself."""
    for item in items:
        text = item.text
        if text is None:
            continue
        found = _SECRET.search(text)
        if found or (token and token in text):
            line = text[: found.start() if found else text.index(token or "")].count("\n") + 1
            raise UserError(
                f"{item.path}, line {line}, holds what looks like a key or token; nothing was sent",
                allowed="the name of an environment variable instead, such as api_key_env: MY_KEY",
                fix="take it out, revoke it, and build again",
            )


def check_columns(paths: Iterable[Path]) -> None:
    """Raise ``DataError`` for a column, at any depth, with a name that readers of the Hub do not take.

    Its viewer refuses names of over 500 characters, and DuckDB, which it and many others read with, takes two names
    that differ only in capitals for one.
    """
    for path in paths:
        for place, names in _levels(pq.read_schema(path)):
            counts = Counter(name.lower() for name in names)
            for name in names:
                why = _unusable(name) or ("only capitals tell it from another" if counts[name.lower()] > 1 else "")
                if why:
                    raise DataError(
                        f"{path.parent.name}/{path.name} has a column {f'{place}.{name}'.lstrip('.')!r}"[:200]
                        + f" that the Hub rejects: {why}",
                        allowed="1 to 500 printable characters, no blank at either end, no two alike but for capitals",
                        fix="rename it where it comes from (the table, the model, a filter's alias) and build again",
                    )


def large_cells(paths: Iterable[Path], least: int = LARGE_CELL) -> Iterator[str]:
    """A sentence for each column of a file with a cell of ``least`` bytes or more.

    A column's bytes in a row group are no fewer than its largest cell's: only where they reach ``least`` is it read.
    """
    for path in paths:
        file = pq.ParquetFile(path)
        for name in dict.fromkeys(_heavy(file, least)):
            start = 0
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=[name])
                size, row = max(((s, start + r) for column in table.columns for s, r in _sizes(column)), default=(0, 0))
                start += table.num_rows
                if size >= least:
                    yield (
                        f"{path.parent.name}/{path.name} holds {size / 1e6:.1f} MB in one cell ({name}, row {row}): it"
                        " loads, but the Hub's viewer will not show the rows around it"
                    )
                    break


def _levels(schema: pa.Schema) -> Iterator[tuple[str, list[str]]]:
    """The names that stand beside each other, at every depth, and where they stand."""
    waiting: list[tuple[str, list[pa.Field]]] = [("", list(schema))]
    while waiting:
        place, fields = waiting.pop()
        yield place, [each.name for each in fields]
        for each in fields:
            kind = each.type
            while pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
                kind = kind.value_type
            if pa.types.is_struct(kind):
                waiting.append((f"{place}.{each.name}".lstrip("."), list(kind)))


def _unusable(name: str) -> str:
    if not name:
        return "its name is empty"
    if len(name) > _LONGEST_NAME:
        return f"its name has {len(name)} characters"
    if name != name.strip():
        return "its name begins or ends with a blank"
    return "" if name.isprintable() else "its name holds control characters"


def _heavy(file: pq.ParquetFile, least: int) -> Iterator[str]:
    for group in range(file.metadata.num_row_groups):
        row_group = file.metadata.row_group(group)
        for number in range(row_group.num_columns):
            chunk = row_group.column(number)
            if chunk.physical_type == "BYTE_ARRAY" and chunk.total_uncompressed_size >= least:
                yield chunk.path_in_schema


def _sizes(column: pa.ChunkedArray) -> Iterator[tuple[int, int]]:
    """Bytes of the longest text or blob of each leaf, and its row."""
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    if pa.types.is_struct(array.type):
        for child in array.flatten():
            yield from _sizes(pa.chunked_array([child]))
    elif pa.types.is_list(array.type):
        owners = pc.list_parent_indices(array).to_numpy()
        for size, row in _sizes(pa.chunked_array([array.flatten()])):
            yield size, int(owners[row]) if len(owners) else 0
    elif len(array) and (pa.types.is_string(array.type) or pa.types.is_binary(array.type)):
        sizes = pc.binary_length(array).fill_null(0)
        yield pc.max(sizes).as_py(), pc.index(sizes, pc.max(sizes)).as_py()
