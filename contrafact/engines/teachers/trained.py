"""A teacher that ``contrafact teacher train`` made: logistic regression on sentence embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from contrafact.engines.embeddings import embedder_identity
from contrafact.engines.teachers.base import Teacher, Texts, softmax
from contrafact.engines.teachers.folder import ABOUT, WEIGHTS
from contrafact.errors import DataError, RecipeError
from contrafact.store.atomic import digest

if TYPE_CHECKING:
    from contrafact.engines import Engines
    from contrafact.engines.embeddings import Embedder

__all__ = ["EmbeddingTeacher", "features_of", "logits_of"]


class EmbeddingTeacher(Teacher):
    """Softmax of ``(x W + b) / T`` over embeddings x, with the temperature T of its calibration.

    Parameters
    ----------
    path : Path
        Its folder.
    about : mapping
        The folder's teacher.json.
    engines : Engines
        Whose embedder must be the one that the teacher was trained on.

    Raises
    ------
    DataError
        Where the weights are missing.
    RecipeError
        Where the embedder is another.
    """

    def __init__(self, path: Path, about: Mapping[str, Any], engines: Engines) -> None:
        self.path, self.about, self._engines = path, about, engines
        self.labels = tuple(about["labels"])
        self.fields = len(about["fields"])
        if not (path / WEIGHTS).is_file():
            raise DataError(f"{path} has no {WEIGHTS}", fix="contrafact teacher train again, into a new folder")
        trained, borrowed = about["embedder"], embedder_identity(engines.settings.get("embeddings") or {})
        if borrowed != trained["identity"]:
            raise RecipeError(
                f"the teacher {path.name} was trained on the embeddings of {trained['settings'] or 'the default'}"
                f" ({trained['identity']}), and the recipe's embedder is another ({borrowed})",
                fix=f"engines: {{embeddings: {trained['settings']}}}, or train the teacher again",
            )

    def identity(self) -> Any:
        return [digest(self.path / WEIGHTS), digest(self.path / ABOUT)]

    def score(self, texts: Sequence[Texts]) -> NDArray[np.float64]:
        coefficients, intercept = self._weights
        features = features_of(self._engines.embedder, texts)
        return softmax(logits_of(features, coefficients, intercept) / self.about["temperature"])

    @cached_property
    def _weights(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        from safetensors.numpy import load_file

        tensors = load_file(self.path / WEIGHTS)
        return tensors["coefficients"], tensors["intercept"]


def features_of(embedder: Embedder, texts: Sequence[Texts]) -> NDArray[np.float64]:
    """What the regression sees: ``u`` for one text, ``[u, v, |u - v|, u * v]`` for two.

    The form for pairs is that of InferSent (Conneau et al. 2017, section 3.1).

    Returns
    -------
    ndarray of float64, shape (len(texts), d) or (len(texts), 4 d)
    """
    first, *others = (embedder.encode([each[field] for each in texts]) for field in range(len(texts[0])))
    u = np.asarray(first, dtype=np.float64)
    if not others:
        return u
    v = np.asarray(others[0], dtype=np.float64)
    return np.concatenate([u, v, np.abs(u - v), u * v], axis=1)


def logits_of(
    features: NDArray[np.float64], coefficients: NDArray[np.float64], intercept: NDArray[np.float64]
) -> NDArray[np.float64]:
    """``x W + b``: shape (n, k) from (n, d), (k, d) and (k,)."""
    # The last bits of a matrix product depend on how many rows it has; sums along the features do not.
    columns = [np.sum(features * weights, axis=1) for weights in coefficients]
    return np.stack(columns, axis=1) + intercept
