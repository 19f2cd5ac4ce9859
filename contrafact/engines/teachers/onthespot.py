"""A teacher that a recipe trains for itself: labelled texts in the recipe's own words, no folder to make first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from contrafact.engines.embeddings import embedder_identity
from contrafact.engines.teachers.base import Teacher, Texts
from contrafact.engines.teachers.data import Labelled
from contrafact.engines.teachers.folder import is_teacher, read_teacher
from contrafact.engines.teachers.trained import EmbeddingTeacher
from contrafact.engines.weights import cache_folder
from contrafact.identity import identity_of

if TYPE_CHECKING:
    from contrafact.engines import Engines

__all__ = ["OnTheSpotTeacher"]

_VERSION = 1  # raised when the same texts would give another teacher
_FITTED_WITH = ("numpy", "scipy", "scikit-learn")


class OnTheSpotTeacher(Teacher):
    """Logistic regression on sentence embeddings, trained when it is first asked and kept in the user's cache folder.

    The same texts, embedder, seed and libraries give the same teacher, so that its identity is known before it is
    trained.

    Parameters
    ----------
    data : Labelled
    engines : Engines
        For the embedder.
    test : float
        Share of the texts that it is measured on.
    seed : int
        Of the split.
    """

    def __init__(self, data: Labelled, engines: Engines, *, test: float = 0.2, seed: int = 0) -> None:
        self.data, self._engines, self.test, self.seed = data, engines, test, seed
        self.labels, self.fields = data.labels, len(data.fields)
        self._settings: Mapping[str, Any] = engines.settings.get("embeddings") or {}

    def identity(self) -> Any:
        made_of = [self.data.digest(), list(self.data.labels), list(self.data.fields), self.test, self.seed]
        return [_VERSION, embedder_identity(self._settings), *made_of, [_release(name) for name in _FITTED_WITH]]

    def score(self, texts: Sequence[Texts]) -> NDArray[np.float64]:
        return self._trained.score(texts)

    @property
    def folder(self) -> Path:
        """Where it is, or will be: as ``contrafact teacher train`` writes it, with its measures."""
        return cache_folder() / "teachers" / identity_of(self.identity())

    @cached_property
    def _trained(self) -> EmbeddingTeacher:
        from contrafact.engines.teachers.training import train_on_embeddings

        folder = self.folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):  # two builds may want it at once
            if not is_teacher(folder):
                embedder = self._engines.embedder
                train_on_embeddings(self.data, folder, embedder, self._settings, test=self.test, seed=self.seed)
        return EmbeddingTeacher(folder, read_teacher(folder), self._engines)


def _release(name: str) -> str:
    """Of an installed library: another one may fit the same texts otherwise in the last bits. Empty where missing."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
