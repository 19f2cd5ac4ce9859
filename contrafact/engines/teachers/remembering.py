"""A teacher as a filter asks it: in the dataset's labels, and each distinct text once a build."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.engines.teachers.base import Teacher, Texts
from contrafact.errors import RecipeError

__all__ = ["Remembering", "columns_of"]


class Remembering:
    """A teacher that answers in the order of the dataset's labels and is asked about no text twice.

    Safe to call from several threads: a text that two shards share is scored by the first and waited for by the other.

    Parameters
    ----------
    teacher : Teacher
    labels : sequence of str
        The dataset's labels, in order.
    names : mapping of the teacher's label to the dataset's label or None, optional
        For teachers whose labels are called otherwise. Probabilities of labels that become one are added; those of a
        label that becomes None are left out, and the others are scaled to sum to 1.
    weight : float
        Its share in an ensemble.

    Raises
    ------
    RecipeError
        Where the teacher's labels are not the dataset's.
    """

    def __init__(
        self,
        teacher: Teacher,
        labels: Sequence[str],
        names: Mapping[str, str | None] | None = None,
        weight: float = 1.0,
    ) -> None:
        self.teacher, self.labels, self.weight = teacher, tuple(labels), weight
        self._columns = columns_of(teacher.labels, self.labels, names)
        self._known: dict[bytes, NDArray[np.float64]] = {}
        self._asking, self._storing = threading.Lock(), threading.Lock()
        self.scored = 0

    def identity(self) -> Any:
        return [self.teacher.identity(), self._columns.tolist()]

    def score(self, texts: Sequence[Texts]) -> NDArray[np.float64]:
        """Probabilities of the dataset's labels, shape (len(texts), len(labels)); NaN where there is no answer."""
        keys = [_key(each) for each in texts]
        if self.teacher.serial:
            with self._asking:
                self._learn(keys, texts)
        else:
            self._learn(keys, texts)
        if not keys:
            return np.empty((0, len(self.labels)))
        return np.stack([self._known[key] for key in keys])

    def _learn(self, keys: Sequence[bytes], texts: Sequence[Texts]) -> None:
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        if not new:
            return
        rows = self._in_our_labels(self.teacher.score(list(new.values())))
        with self._storing:
            self._known.update(zip(new, rows, strict=True))
            self.scored += len(new)

    def _in_our_labels(self, chances: NDArray[np.float64]) -> NDArray[np.float64]:
        ours = np.zeros((len(chances), len(self.labels)))
        for column, place in enumerate(self._columns):
            if place >= 0:
                ours[:, place] += chances[:, column]
        if (self._columns < 0).any():
            with np.errstate(invalid="ignore", divide="ignore"):
                ours /= ours.sum(axis=1, keepdims=True)
        return ours


def columns_of(theirs: Sequence[str], ours: Sequence[str], names: Mapping[str, str | None] | None) -> NDArray[np.int64]:
    """Which of our labels each of a teacher's is, -1 for those that are left out. Case does not matter.

    Raises
    ------
    RecipeError
        Naming both sets, where a label of either side has no counterpart on the other.
    """
    if names is not None:
        renamed = {_plain(name): new for name, new in names.items()}
        unknown = [name for name in names if _plain(name) not in {_plain(each) for each in theirs}]
        wanted = [renamed.get(_plain(each), each) for each in theirs]
    else:
        unknown, wanted = [], list(theirs)
    place = {_plain(name): position for position, name in enumerate(ours)}
    strange = [each for each in wanted if each is not None and _plain(each) not in place]
    silent = [each for each in ours if _plain(each) not in {_plain(name) for name in wanted if name is not None}]
    if unknown or strange or silent:
        raise RecipeError(
            f"the teacher's labels are {', '.join(theirs)}, and the dataset's are {', '.join(ours)}"
            + (f"; names speaks of {', '.join(unknown)}" if unknown else ""),
            allowed="the same names on both sides, in any order; or names: {teacher's label: dataset's label}",
            fix="add names: {" + ", ".join(f"{each}: …" for each in theirs) + "} to the model, null to leave one out",
        )
    return np.array([-1 if each is None else place[_plain(each)] for each in wanted], dtype=np.int64)


def _plain(label: str) -> str:
    return str(label).strip().casefold()


def _key(texts: Texts) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.digest()
