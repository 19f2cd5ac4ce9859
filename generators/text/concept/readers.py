"""Readers: what value a concept has in a text, by rules that are stated, so that every text is read the same way.

======== =============================================================================================================
length   number of words, cut at ``cuts``: ``1-8``, ``9-16``, ``17+``
form     the last mark of the text: ``question`` for ?, ``exclamation`` for !, else ``statement``
person   ``first`` where the text says I, me, my, we, us or our, else ``second`` for you and your, else ``none``
negation ``present`` where a word negates (:data:`generators.text.words.NEGATIONS`), else ``absent``
lexicon  the value of which the text holds most ``words``; ``otherwise`` for none, or two with equally many
pattern  the first value whose regular expression is found (letter case does not matter); ``otherwise`` for none
nearest  the value whose ``anchors`` phrase is nearest in the embedder's space; ``otherwise`` where none is as near as
         ``least``
teacher  the most probable value by a ``model``, as the filter ``teacher`` takes it
======== =============================================================================================================

The first six look at words alone and know English. None of them understands a text: a lexicon does not see that *not
good* is not good. ``length``, ``form``, ``person`` and ``negation`` are what their rule says, so that a label by them
is true by ``construction``. The others guess at a concept that is defined elsewhere: a label by them is a ``teacher``'s
word, and one that words or patterns find in a text which a language model was asked to write for it is the model's own
(``llm``).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from contrafact.engines import Engines
from contrafact.errors import RecipeError, did_you_mean
from generators.text.words import NEGATIONS, listed, words

if TYPE_CHECKING:
    from contrafact.engines.teachers import Remembering

__all__ = ["READERS", "Reader", "TeacherReader", "open_reader"]

_FIRST = listed("i me my mine myself we us our ours ourselves i'm i've i'd i'll we're we've we'd we'll let's")
_SECOND = listed("you your yours yourself yourselves you're you've you'd you'll")
_CLOSING = " \t\n\"'”’)]}»*"  # noqa: RUF001  # curly quotes are meant
_AT_ONCE = 4096


class Reader(ABC):
    """Reads one concept. What it says of a text depends on that text alone.

    Attributes
    ----------
    keys : tuple of str
        Options that a recipe may give.
    values : tuple of str
        All that it may say.
    witness, of_rewrites : str
        Label source of what it says of a real text, and of one that a language model wrote.
    """

    keys: ClassVar[tuple[str, ...]] = ()
    values: tuple[str, ...] = ()
    witness: ClassVar[str] = "teacher"
    of_rewrites: ClassVar[str] = "teacher"

    def borrow(self, engines: Engines, who: str) -> None:  # noqa: B027  # most need nothing
        """Open what it asks, once, and say in somebody's name that it will be asked."""

    def identity(self) -> Any:
        """JSON-like value that tells which model it asks, once it has borrowed; None where its options tell all."""
        return None

    @abstractmethod
    def read(self, texts: Sequence[str], engines: Engines) -> list[str | None]:
        """The value in each text; None where there is no answer."""


class _ByWords(Reader):
    """A reader that needs nothing but the text."""

    def read(self, texts: Sequence[str], engines: Engines) -> list[str | None]:
        return [self.value(text) for text in texts]

    @abstractmethod
    def value(self, text: str) -> str:
        """The value in one text."""


class _ByForm(_ByWords):
    """A reader whose rule is what the concept means."""

    witness = of_rewrites = "construction"


class _Length(_ByForm):
    keys = ("cuts",)

    def __init__(self, cuts: Any = (9, 17)) -> None:
        ok = isinstance(cuts, list | tuple) and cuts and all(type(each) is int and each > 1 for each in cuts)
        if not ok or list(cuts) != sorted(set(cuts)):
            raise RecipeError(f"cuts is {cuts!r}", allowed="numbers of words above 1, rising: [9, 17]")
        self.cuts = tuple(cuts)
        starts = (1, *self.cuts)
        self.values = (*(f"{one}-{two - 1}" for one, two in zip(starts, self.cuts, strict=False)), f"{starts[-1]}+")

    def value(self, text: str) -> str:
        return self.values[bisect_right(self.cuts, len(words(text)))]


class _Form(_ByForm):
    values = ("statement", "question", "exclamation")

    def value(self, text: str) -> str:
        return {"?": "question", "!": "exclamation"}.get(text.rstrip(_CLOSING)[-1:], "statement")


class _Person(_ByForm):
    values = ("first", "second", "none")

    def value(self, text: str) -> str:
        said = set(words(text))
        return "first" if said & _FIRST else "second" if said & _SECOND else "none"


class _Negation(_ByForm):
    values = ("absent", "present")

    def value(self, text: str) -> str:
        return "present" if NEGATIONS.intersection(words(text)) else "absent"


class _Lexicon(_ByWords):
    keys = ("words", "otherwise")
    of_rewrites = "llm"

    def __init__(self, words: Any = None, otherwise: Any = "unknown") -> None:
        table = _table(words, "words", "a list of words a value: {negative: [bad, rude], positive: [good]}", list)
        self._value = {str(word).lower(): value for value, given in table.items() for word in given}
        if len(self._value) != sum(map(len, table.values())):
            raise RecipeError("words names a word twice", fix="leave each word under one value")
        self.values, self.otherwise = _with(table, otherwise), str(otherwise)

    def value(self, text: str) -> str:
        found = Counter(self._value[word] for word in words(text) if word in self._value).most_common(2)
        tied = len(found) == 2 and found[0][1] == found[1][1]
        return self.otherwise if tied or not found else found[0][0]


class _Pattern(_ByWords):
    keys = ("patterns", "otherwise")
    of_rewrites = "llm"

    def __init__(self, patterns: Any = None, otherwise: Any = "unknown") -> None:
        table = _table(patterns, "patterns", "a regular expression a value: {dessert: 'cake|tart'}", str)
        try:
            self._patterns = {value: re.compile(pattern, re.IGNORECASE) for value, pattern in table.items()}
        except re.error as error:
            raise RecipeError(f"patterns: {error.pattern!r} is no regular expression: {error.msg}") from None
        self.values, self.otherwise = _with(table, otherwise), str(otherwise)

    def value(self, text: str) -> str:
        return next((value for value, pattern in self._patterns.items() if pattern.search(text)), self.otherwise)


class _Nearest(Reader):
    keys = ("anchors", "least", "otherwise")

    def __init__(self, anchors: Any = None, least: Any = 0.0, otherwise: Any = "other") -> None:
        self._anchors = _table(anchors, "anchors", "a phrase a value: {food: food and drink}", str)
        if isinstance(least, bool) or not isinstance(least, int | float) or not -1 <= least <= 1:
            raise RecipeError(f"least is {least!r}", allowed="a cosine, -1 to 1")
        self.least, self.otherwise, self.values = float(least), str(otherwise), _with(self._anchors, otherwise)

    def borrow(self, engines: Engines, who: str) -> None:
        engines.need("embedder", who)

    def read(self, texts: Sequence[str], engines: Engines) -> list[str | None]:
        names, anchors = list(self._anchors), engines.embedder.encode(list(self._anchors.values())).astype(np.float64)
        said: list[str | None] = []
        for start in range(0, len(texts), _AT_ONCE):
            # A text at a time: a product of matrices may differ in its last bits with the texts beside it.
            for vector in engines.embedder.encode(texts[start : start + _AT_ONCE]):
                cosines = np.round(anchors @ vector, 6)
                best = int(cosines.argmax())
                said.append(names[best] if cosines[best] >= self.least else self.otherwise)
        return said


class TeacherReader(Reader):
    """Asks a model, as the filter ``teacher`` does."""

    keys = ("model",)

    def __init__(self, values: Sequence[str], folder: Path, model: Any = None) -> None:
        if not isinstance(model, str | Mapping):
            raise RecipeError(f"model is {model!r}", allowed="what the filter teacher takes as its model")
        self.values, self.folder, self.model = tuple(values), folder, model
        self._opened: tuple[Engines, Remembering] | None = None

    def borrow(self, engines: Engines, who: str) -> None:
        self._teacher(engines)

    def identity(self) -> Any:
        return None if self._opened is None else self._opened[1].identity()

    def _teacher(self, engines: Engines) -> Remembering:
        """The teacher, opened once for these engines: it is asked about no text twice."""
        if self._opened is None or self._opened[0] is not engines:
            self._opened = (engines, engines.teacher(self.model, self.values, ("text",), self.folder))
        return self._opened[1]

    def read(self, texts: Sequence[str], engines: Engines) -> list[str | None]:
        if not texts:
            return []
        chances = self._teacher(engines).score([(text,) for text in texts])
        return [None if np.isnan(each).any() else self.values[int(each.argmax())] for each in chances]


READERS: dict[str, Callable[..., Reader]] = {
    "length": _Length,
    "form": _Form,
    "person": _Person,
    "negation": _Negation,
    "lexicon": _Lexicon,
    "pattern": _Pattern,
    "nearest": _Nearest,
    "teacher": TeacherReader,
}
"""Readers by the name that a recipe's ``reader:`` gives."""


def open_reader(name: str, options: Mapping[str, Any], values: Sequence[str], folder: Path) -> Reader:
    """A reader from a recipe.

    Parameters
    ----------
    values : sequence of str
        The concept's values as the recipe names them: what a teacher tells apart. Others bring their own.

    Raises
    ------
    RecipeError
        For an unknown reader or option, or an option of the wrong kind.
    """
    if name not in READERS:
        raise RecipeError(f"no reader is called {name!r}{did_you_mean(name, READERS)}", allowed=", ".join(READERS))
    made: Any = READERS[name]
    for key in options:
        if key not in made.keys:
            allowed = ", ".join(made.keys) or "no options"
            raise RecipeError(f"the reader {name} has no option {key!r}{did_you_mean(key, made.keys)}", allowed=allowed)
    if made is TeacherReader:
        if not values:
            raise RecipeError("a concept that a teacher reads names its values", fix="values: [negative, positive]")
        return TeacherReader(values, folder, **options)
    reader: Reader = made(**options)
    return reader


def _table(given: Any, option: str, allowed: str, kind: type) -> dict[str, Any]:
    ok = isinstance(given, Mapping) and given and all(isinstance(each, kind) and each for each in given.values())
    if not ok:
        raise RecipeError(f"{option} is {given!r}", allowed=allowed)
    return {str(value): each for value, each in given.items()}


def _with(table: Mapping[str, Any], otherwise: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*table, str(otherwise)]))
