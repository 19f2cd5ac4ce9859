"""Sentence embeddings that stages borrow: each distinct text is embedded once a build."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.engines.sentences import SentenceModel, need_sentence_transformers
from contrafact.engines.vectors import Vectors
from contrafact.engines.weights import cache_folder, locate, weights_identity
from contrafact.errors import RecipeError, did_you_mean
from contrafact.identity import identity_of

__all__ = ["Embedder", "EmbeddingSettings", "embedder_identity", "open_embedder", "read_embedding_settings"]

_KEYS = ("model", "device", "prompt", "cache", "threads")
_DEVICE = re.compile(r"(cpu|cuda|mps|xpu)(:\d+)?")
_VERSION = 1  # raised when the same weights would give another vector


@dataclass(frozen=True)
class EmbeddingSettings:
    """``engines.embeddings`` of a recipe.

    Attributes
    ----------
    model : str, optional
        A folder or a hub id; the embedded all-MiniLM-L6-v2 by default.
    device : str
        Where torch computes.
    prompt : str, optional
        Put before every text; the model's own default prompt where it is not given.
    cache : Path, optional
        An SQLite file that keeps vectors between builds.
    threads : int, optional
        Batches at a time; all cores by default. Changes no bit.
    """

    model: str | None = None
    device: str = "cpu"
    prompt: str | None = None
    cache: Path | None = None
    threads: int | None = None

    @cached_property
    def folder(self) -> Path:
        """Where the weights are; a model of the hub is downloaded now, where it is not here yet."""
        return locate(self.model)

    @cached_property
    def identity(self) -> str:
        """Hash of what decides a vector: the weights' content and the prompt, not where they are."""
        return identity_of([_VERSION, weights_identity(self.folder), self.prompt])


class Embedder:
    """Texts to unit vectors. Safe to call from several threads at once; starts when it is first asked.

    Memory stays flat: vectors are kept on disk (in a private temporary file, or in ``cache``), and the recent ones in
    memory.
    """

    def __init__(self, settings: EmbeddingSettings) -> None:
        self.settings, self.identity = settings, settings.identity
        self._lock = Lock()
        self._vectors = Vectors(settings.cache)
        self._model: SentenceModel | None = None
        self._dimension: int | None = None

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.encode([""]).shape[1]) if self._dimension is None else self._dimension

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of the texts, in order.

        A text's vector depends on the text alone, bit for bit on one machine: see :mod:`contrafact.engines.sentences`.
        What a model cannot read (MiniLM: past 256 tokens) is left out of account.

        Returns
        -------
        ndarray of float32, shape (len(texts), d)
        """
        if not len(texts):
            return np.empty((0, self.dimension), dtype=np.float32)
        keys = [self._key(text) for text in texts]
        with self._lock:
            found = self._once(dict(zip(keys, texts, strict=True)))
        whole = np.empty((len(texts), len(found[keys[0]])), dtype=np.float32)
        for row, key in enumerate(keys):
            whole[row] = found[key]
        return whole

    def close(self) -> None:
        """End threads and close the cache."""
        with self._lock:
            if self._model is not None:
                self._model.close()
            self._model = None
            self._vectors.close()

    def _key(self, text: str) -> bytes:
        own = self.identity.encode()
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=own).digest()

    def _once(self, asked: Mapping[bytes, str]) -> dict[bytes, NDArray[np.float32]]:
        """Vectors of distinct texts by key; only those that were never embedded go to the model."""
        found = self._vectors.get(list(asked))
        missing = [key for key in asked if key not in found]
        if missing:
            made = self._started().embed([asked[key] for key in missing])
            self._vectors.put(missing, made)
            found |= dict(zip(missing, made, strict=True))
        self._dimension = len(next(iter(found.values())))
        return found

    def _started(self) -> SentenceModel:
        if self._model is None:
            settings = self.settings
            self._model = SentenceModel(settings.folder, settings.device, settings.prompt, settings.threads)
        return self._model


def open_embedder(settings: Mapping[str, Any]) -> Embedder:
    """An embedder from a recipe's ``engines.embeddings``. Loads nothing until it is asked.

    Raises
    ------
    RecipeError
        For settings that cannot be used.
    MissingDependencyError
        Where sentence-transformers or the embedded weights are not installed.
    CacheError
        Where the cache cannot be opened.
    """
    need_sentence_transformers()
    return Embedder(read_embedding_settings(settings))


def embedder_identity(settings: Mapping[str, Any]) -> str:
    """Identity of the embedder that settings stand for, checked as :func:`open_embedder` does, without starting it."""
    need_sentence_transformers()
    return read_embedding_settings(settings).identity


def read_embedding_settings(given: Mapping[str, Any]) -> EmbeddingSettings:
    """Settings with every key checked. Raises ``RecipeError``."""
    for key in given:
        if key not in _KEYS:
            raise RecipeError(
                f"engines.embeddings has no setting {key!r}{did_you_mean(str(key), _KEYS)}", allowed=", ".join(_KEYS)
            )
    for key in ("model", "device", "prompt"):
        if not isinstance(given.get(key), str | None):
            raise _wrong(key, given[key], "a text")
    device = given.get("device") or "cpu"
    if not _DEVICE.fullmatch(device):
        raise _wrong("device", device, "cpu, cuda, cuda:1, mps or xpu")
    threads = given.get("threads")
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
        raise _wrong("threads", threads, "a whole number from 1 up")
    return EmbeddingSettings(given.get("model"), device, given.get("prompt"), _cache(given.get("cache")), threads)


def _cache(given: Any) -> Path | None:
    """``true`` for a file in the user's cache folder, or a path; nothing is kept by default."""
    if given is None or given is False:
        return None
    if given is True:
        return cache_folder() / "embeddings.sqlite"
    if not isinstance(given, str) or not given:
        raise _wrong("cache", given, "true, or the path of a file")
    return Path(given).expanduser()


def _wrong(key: str, given: Any, allowed: str) -> RecipeError:
    return RecipeError(f"engines.embeddings.{key} cannot be {given!r}", allowed=allowed, fix=f"correct or remove {key}")
