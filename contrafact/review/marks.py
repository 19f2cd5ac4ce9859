"""Marks that people gave to pairs: one line of JSON each, appended and never changed, beside the dataset.

::

    outputs/<name>/            the dataset, of which no byte changes
    outputs/<name>.review/
      marks.jsonl              pair, reviewer, mark, when, and a digest of what was judged

Of two marks by one reviewer on one pair the later counts. A line that was cut off by a crash is passed over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contrafact.errors import DataError
from contrafact.store.atomic import storage_errors

__all__ = ["MARKS", "Mark", "append", "latest", "marks_file", "read_marks"]

MARKS = ("right", "wrong", "unclear")


@dataclass(frozen=True)
class Mark:
    """What one person said of one pair.

    Attributes
    ----------
    mark : str or None
        One of :data:`MARKS`; None takes an earlier one back.
    digest : str
        Of the pair as it was judged: a mark on what has changed since does not count.
    when : str
        UTC, in ISO 8601.
    """

    pair_id: str
    reviewer: str
    mark: str | None
    digest: str
    when: str

    @classmethod
    def now(cls, pair_id: str, reviewer: str, mark: str | None, digest: str) -> Mark:
        """A mark of this moment."""
        return cls(pair_id, reviewer, mark, digest, datetime.now(UTC).isoformat(timespec="seconds"))


def marks_file(dataset: Path) -> Path:
    """Where the marks of a run directory are."""
    path = dataset.resolve()
    return path.with_name(f"{path.name}.review") / "marks.jsonl"


def append(path: Path, mark: Mark) -> None:
    """Add a mark; when this returns it is on the disk.

    One write of one line at the end of the file, so that two servers do not mix theirs. A line before it that a crash
    cut off is ended first.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            size = os.fstat(handle).st_size
            whole = size == 0 or os.pread(handle, 1, size - 1) == b"\n"
            line = json.dumps(asdict(mark), ensure_ascii=False) + "\n"
            os.write(handle, (line if whole else f"\n{line}").encode())
            os.fsync(handle)
        finally:
            os.close(handle)


def read_marks(path: Path) -> tuple[list[Mark], int]:
    """Every mark in the order given, and how many lines are no marks.

    Raises
    ------
    DataError
        Where the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    lines = [line for line in text.split("\n") if line.strip()]
    found = list(_marks(lines))
    return found, len(lines) - len(found)


def latest(marks: list[Mark]) -> dict[tuple[str, str], Mark]:
    """The mark that counts, by pair and reviewer; none that was taken back."""
    last = {(each.pair_id, each.reviewer): each for each in marks}
    return {key: each for key, each in last.items() if each.mark is not None}


def _marks(lines: list[str]) -> Iterator[Mark]:
    for line in lines:
        try:
            told: Any = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, Mapping) and _is_mark(told):
            yield Mark(*(told[name] for name in ("pair_id", "reviewer", "mark", "digest", "when")))


def _is_mark(told: Mapping[str, Any]) -> bool:
    texts = all(isinstance(told.get(name), str) for name in ("pair_id", "reviewer", "digest", "when"))
    return texts and (told.get("mark") is None or told["mark"] in MARKS) and "mark" in told
