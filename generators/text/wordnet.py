"""A reader of WordNet's own database files: senses, antonyms and hypernyms, by binary search in the files.

The files are those of Debian's ``wordnet-base`` (WordNet 3.0, under its own free licence); any folder with
``index.noun``, ``data.noun`` and their like can be named instead. Format: ``wndb(5WN)``.
"""

from __future__ import annotations

import mmap
from collections import defaultdict
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from contrafact.errors import MissingDependencyError

__all__ = ["FOLDER", "Synset", "WordNet", "open_wordnet"]

FOLDER = "/usr/share/wordnet"
_FILES = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
_TYPES = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
_COUNTS = "cntlist.rev"


@dataclass(frozen=True)
class Synset:
    """One sense: the words that share it, and where it points.

    Attributes
    ----------
    topic : int
        Number of the lexicographer's file: 5 animals, 6 artefacts, 18 persons (``lexnames(5WN)``).
    words : tuple of str
        In lower case as in the file's index, with ``_`` for blanks; the most usual first.
    proper : bool
        Whether the first word is written with a capital: a name, a people, a faith, a brand.
    antonyms : tuple of (int, str, int, int)
        Word here (from 1), part of speech, offset and word there.
    hypernyms, hyponyms : tuple of int
        Offsets in the same file.
    """

    topic: int
    words: tuple[str, ...]
    proper: bool
    antonyms: tuple[tuple[int, str, int, int], ...]
    hypernyms: tuple[int, ...]
    hyponyms: tuple[int, ...]


def open_wordnet(folder: str = FOLDER) -> WordNet:
    """The database in a folder, opened once a process.

    Raises
    ------
    MissingDependencyError
        Where a file of it is not there.
    """
    wanted = [f"{kind}.{name}" for kind in ("index", "data") for name in _FILES.values()] + [_COUNTS]
    missing = [name for name in wanted if not (Path(folder) / name).is_file()]
    if missing:
        raise MissingDependencyError(
            f"WordNet's files are not in {folder}: {missing[0]} is missing",
            allowed="a folder with WordNet's index.* and data.* files and cntlist.rev, named by generator.wordnet",
            fix="apt-get install wordnet-base",
        )
    return _opened(folder)


@cache
def _opened(folder: str) -> WordNet:
    return WordNet(Path(folder))


class WordNet:
    """Look-ups in one folder of WordNet files. Part of speech is ``n``, ``v``, ``a`` or ``r``."""

    def __init__(self, folder: Path) -> None:
        self._index = {part: _mapped(folder / f"index.{name}") for part, name in _FILES.items()}
        self._data = {part: _mapped(folder / f"data.{name}") for part, name in _FILES.items()}
        self._counts_file = folder / _COUNTS
        self._senses: dict[tuple[str, str], tuple[int, ...]] = {}
        self._synsets: dict[tuple[str, int], Synset] = {}

    def identity(self) -> list[int]:
        """Sizes of the data files: another release has others."""
        return [len(data) for data in self._data.values()]

    def senses(self, lemma: str, part: str) -> tuple[int, ...]:
        """Offsets of a lemma's senses, the most frequent first; none for a word that is not there."""
        if (lemma, part) not in self._senses:
            fields = _line_of(self._index[part], lemma.encode()).decode().split() if lemma else []
            self._senses[lemma, part] = tuple(int(each) for each in fields[-int(fields[2]) :]) if fields else ()
        return self._senses[lemma, part]

    def synset(self, part: str, offset: int) -> Synset:
        """The sense at an offset."""
        if (part, offset) not in self._synsets:
            data = self._data[part]
            self._synsets[part, offset] = _read(data[offset : data.find(b"\n", offset)].decode())
        return self._synsets[part, offset]

    def count(self, lemma: str, part: str, sense: int = 1) -> int:
        """How often a sense (from 1) was tagged in WordNet's own texts."""
        return self._counts.get((lemma, part), {}).get(sense, 0)

    def dominance(self, lemma: str, part: str) -> float:
        """Share of the first sense among all tagged uses of a word; 1 for a word of one sense, 0 where none was."""
        if len(self.senses(lemma, part)) == 1:
            return 1.0
        counts = self._counts.get((lemma, part), {})
        return counts.get(1, 0) / sum(counts.values()) if counts else 0.0

    def antonyms(self, lemma: str, part: str) -> list[str]:
        """Direct antonyms of a word's first sense that has any, among the first two; single words."""
        for offset in self.senses(lemma, part)[:2]:
            sense = self.synset(part, offset)
            found = [
                self.synset(there, place).words[word - 1]
                for own, there, place, word in sense.antonyms
                if sense.words[own - 1] == lemma and there == part
            ]
            if found:
                return [word for word in found if "_" not in word]
        return []

    @cached_property
    def _counts(self) -> dict[tuple[str, str], dict[int, int]]:
        counts: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
        for line in self._counts_file.read_text(encoding="ascii").splitlines():
            key, sense, count = line.split()
            lemma, _, rest = key.partition("%")
            counts[lemma, _TYPES[rest[0]]][int(sense)] = int(count)
        return dict(counts)


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _line_of(index: mmap.mmap, lemma: bytes) -> bytes:
    """The line of a sorted index that begins with ``lemma`` and a blank; empty where there is none."""
    low, high = 0, len(index)
    while low < high:
        middle = (low + high) // 2
        start = index.rfind(b"\n", 0, middle) + 1
        end = index.find(b"\n", middle)
        end = len(index) if end < 0 else end
        line = index[start:end]
        word = line.partition(b" ")[0]
        if word == lemma:
            return line
        if word < lemma:
            low = end + 1
        else:
            high = start
    return b""


def _read(line: str) -> Synset:
    fields = line.partition(" | ")[0].split()
    size = int(fields[3], 16)
    written = [word.partition("(")[0] for word in fields[4 : 4 + 2 * size : 2]]
    names = tuple(word.lower() for word in written)
    start = 5 + 2 * size
    antonyms, hypernyms, hyponyms = [], [], []
    for place in range(start, start + 4 * int(fields[start - 1]), 4):
        symbol, offset, part, words = fields[place : place + 4]
        if symbol == "!":
            antonyms.append((int(words[:2], 16), part.replace("s", "a"), int(offset), int(words[-2:], 16)))
        elif symbol == "@":
            hypernyms.append(int(offset))
        elif symbol == "~":
            hyponyms.append(int(offset))
    return Synset(int(fields[1]), names, written[0][:1].isupper(), tuple(antonyms), tuple(hypernyms), tuple(hyponyms))
