"""Labelled texts to train a teacher on, and their split: what is alike stays on one side."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines.teachers.base import Texts
from contrafact.errors import DataError, RecipeError, did_you_mean
from contrafact.store.splits import assign_splits

__all__ = ["PARTS", "Labelled", "read_labelled", "split"]

PARTS = ("test", "calibration", "train")
_CALIBRATION = 0.1
_FEWEST = 20
_FEWEST_OF_A_LABEL = 3
_MOST_LABELS = 1000
_NOISE = re.compile(r"https?://\S+|@\w+|[^\w\s]")


@dataclass(frozen=True)
class Labelled:
    """Texts with their labels.

    Attributes
    ----------
    texts : list of tuple of str
    codes : ndarray of int64, shape (n,)
        Places in ``labels``.
    groups : list of str
        Texts of one group are alike, and never parted.
    left_out : int
        Rows without a text or a label.
    """

    texts: list[Texts]
    codes: NDArray[np.int64]
    labels: tuple[str, ...]
    fields: tuple[str, ...]
    groups: list[str]
    left_out: int

    def take(self, rows: NDArray[np.int64]) -> tuple[list[Texts], NDArray[np.int64]]:
        """Texts and codes of some rows."""
        return [self.texts[row] for row in rows], self.codes[rows]

    def digest(self) -> str:
        """SHA-256 of all texts and labels, in order."""
        hashed = hashlib.sha256()
        for text, code in zip(self.texts, self.codes, strict=True):
            hashed.update("\x1f".join([*text, self.labels[code], ""]).encode("utf-8", "surrogatepass"))
        return hashed.hexdigest()


def read_labelled(
    table: pa.Table, fields: Sequence[str], label: str, labels: Sequence[str] | None = None, where: str = "the data"
) -> Labelled:
    """Labelled texts from a table.

    Parameters
    ----------
    fields : sequence of str
        The column of the text, or those of premise and hypothesis.
    labels : sequence of str, optional
        The label set in order; whole-number labels are then places in it. All labels that occur, sorted, unless given.

    Raises
    ------
    DataError
        For a column that is not there, one label only, a label outside the set, or too few rows.
    """
    for name in (*fields, label):
        if name not in table.column_names:
            raise DataError(
                f"{where} has no column {name!r}{did_you_mean(name, table.column_names)}",
                allowed=", ".join(table.column_names),
                fix="name the columns with --text (or --fields premise,hypothesis) and --label",
            )
    columns = [table[name].to_pylist() for name in (*fields, label)]
    rows = [row for row in zip(*columns, strict=True) if all(_said(cell) for cell in row)]
    names = [_named(row[-1], labels) for row in rows]
    found = _label_set(names, labels, where)
    texts = [tuple(str(cell) for cell in row[:-1]) for row in rows]
    codes = np.array([found.index(name) for name in names], dtype=np.int64)
    groups = [group_of(text) for text in texts]
    return Labelled(texts, codes, found, tuple(fields), groups, table.num_rows - len(rows))


def split(data: Labelled, test: float, seed: int) -> dict[str, NDArray[np.int64]]:
    """Rows for test, calibration (a tenth of all) and training, by a hash of (seed, group).

    Of texts that are alike, test and calibration have one: a message that was sent a hundred times says no more of the
    teacher than once, and intervals would be too narrow.

    Raises
    ------
    RecipeError
        Where ``test`` is no share that leaves something to train on.
    DataError
        Where a part would be empty, or a label is missing in what is left for training.
    """
    if not 0 < test < 1 - _CALIBRATION:
        raise RecipeError(f"--test {test} leaves nothing to train on", allowed=f"above 0 and below {1 - _CALIBRATION}")
    shares = {"test": test, "calibration": _CALIBRATION, "train": 1 - test - _CALIBRATION}
    place = assign_splits(pa.array(data.groups), shares, seed)
    parts = {name: np.flatnonzero(place == number) for number, name in enumerate(PARTS)}
    for name in PARTS[:2]:
        first = {tuple(map(_plain, data.texts[row])): row for row in reversed(parts[name])}
        parts[name] = np.array(sorted(first.values()), dtype=np.int64)
    empty = [name for name in PARTS if not len(parts[name])]
    unseen = sorted(set(data.labels) - {data.labels[code] for code in data.codes[parts["train"]]})
    if empty or unseen:
        lack = f"nothing is left for {' and '.join(empty)}" if empty else f"{', '.join(unseen)} is not in training"
        raise DataError(
            f"too few different texts: {lack} ({len(set(data.groups))} that are not alike)",
            fix="give more rows, or another --seed",
        )
    return parts


def group_of(text: Texts) -> str:
    """What is the same for texts that differ in case, spaces, punctuation, links and names of users only.

    Of a premise and its hypothesis the premise alone: hypotheses are written to it in threes.
    """
    return _plain(text[0])


def _plain(text: str) -> str:
    words = _NOISE.sub(" ", unicodedata.normalize("NFKC", text).casefold()).split()
    return " ".join(words) or text


def _said(cell: Any) -> bool:
    return cell is not None and bool(str(cell).strip())


def _named(cell: Any, labels: Sequence[str] | None) -> str:
    whole = isinstance(cell, int) and not isinstance(cell, bool)
    return labels[cell] if labels is not None and whole and 0 <= cell < len(labels) else str(cell).strip()


def _label_set(names: Sequence[str], labels: Sequence[str] | None, where: str) -> tuple[str, ...]:
    counts = Counter(names)
    strange = sorted(set(counts) - set(labels)) if labels is not None else []
    if strange:
        raise DataError(
            f"{where} has labels outside the set: {', '.join(strange[:5])}",
            allowed=", ".join(labels or ()),
            fix="name them all in --labels, or leave --labels out",
        )
    if len(names) < _FEWEST:
        raise DataError(f"{where} has {len(names)} labelled texts", allowed=f"at least {_FEWEST}", fix="give more rows")
    if len(counts) < 2:
        raise DataError(
            f"{where} has one label only ({next(iter(counts))})",
            allowed="at least two labels",
            fix="--label names the column of the labels",
        )
    if len(counts) > _MOST_LABELS:
        raise DataError(f"{where} has {len(counts)} different labels: --label names no column of classes")
    ordered = tuple(labels) if labels is not None else tuple(sorted(counts))
    rare = [name for name in ordered if counts[name] < _FEWEST_OF_A_LABEL]
    if rare:
        raise DataError(
            f"{where} has fewer than {_FEWEST_OF_A_LABEL} texts labelled {', '.join(rare[:5])}",
            fix="give more rows of it, or leave these labels out",
        )
    return ordered
