"""The students: small models that learn in seconds, so that what they gain is the data's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import RecipeError
from contrafact.evaluation.inputs import Inputs

__all__ = ["Tuning", "learned", "stacked"]

_STRENGTH = 10.0  # inverse penalty on unit vectors; one value for all arms, so that none is tuned and another not
_STEPS = 1000
_TREES = 100


@dataclass(frozen=True)
class Tuning:
    """How an encoder is fine-tuned: what :class:`contrafact.engines.teachers.training.FineTuning` takes."""

    base: str | None = None
    epochs: int = 3
    batch: int = 16
    rate: float = 2e-5
    length: int = 128


@dataclass(frozen=True)
class Model:
    """A trained student. Call it with features; it gives probabilities (n, k) of all classes, or values (n,)."""

    fitted: Any
    classes: NDArray[np.int64] | None
    width: int

    def __call__(self, features: Any) -> NDArray[np.float64]:
        if self.classes is None:
            return np.asarray(self.fitted.predict(features), dtype=np.float64)
        given = self.fitted.predict_proba(features)
        whole = np.zeros((given.shape[0], self.width))
        whole[:, self.classes] = given
        return whole


@dataclass(frozen=True)
class Constant:
    """What is learned from rows of one class."""

    code: int
    width: int

    def __call__(self, features: Any) -> NDArray[np.float64]:
        count = len(features) if isinstance(features, list) else features.shape[0]
        return np.tile(np.eye(self.width)[self.code], (count, 1))


class Encoder:
    """A fine-tuned encoder, called as :class:`Model` is."""

    def __init__(
        self, texts: Sequence[Any], labels: NDArray[np.int64], levels: Sequence[str], how: Tuning, seed: int
    ) -> None:
        from contrafact.engines.teachers.finetuning import finetuned
        from contrafact.engines.teachers.training import FineTuning

        if how.base is None:  # pragma: no cover  # checked before any work
            raise RecipeError("the student encoder needs --base")
        tuning = FineTuning(how.base, how.epochs, how.batch, how.rate, how.length)
        tuning.check()
        self.model, self.tokenizer = finetuned(texts, labels, levels, tuning, seed)
        self.length = how.length

    def __call__(self, features: Sequence[Any]) -> NDArray[np.float64]:
        from contrafact.engines.teachers.base import softmax
        from contrafact.engines.teachers.finetuning import logits_by

        return softmax(logits_by(self.model, self.tokenizer, features, self.length))


def learned(
    inputs: Inputs, features: Any, labels: NDArray[Any], levels: Sequence[str] | None, seed: int, tuning: Tuning
) -> Model | Encoder | Constant:
    """A student trained on these rows.

    Classes: logistic regression on embeddings and tokens (penalty 1/10 on unit vectors), histogram gradient-boosted
    trees on tables (Ke et al. 2017; 100 trees). Numbers: ridge regression, and the same trees. None is tuned.

    Parameters
    ----------
    labels : ndarray, shape (n,)
        Codes of ``levels``, or numbers.
    """
    if levels is not None and len(np.unique(labels)) < 2:
        return Constant(int(labels[0]), len(levels))
    if inputs.student == "encoder":
        return Encoder(features, labels, levels or (), tuning, seed)
    model = _trees(inputs, levels, seed) if inputs.student == "trees" else _linear(levels)
    model.fit(features, labels)
    classes = None if levels is None else np.asarray(model.classes_, dtype=np.int64)
    return Model(model, classes, len(levels or ()))


def stacked(parts: Sequence[Any]) -> Any:
    """Features of several arrays as one."""
    if isinstance(parts[0], list):
        return [row for part in parts for row in part]
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    from scipy.sparse import vstack

    return vstack(parts).tocsr()


def _linear(levels: Sequence[str] | None) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    return Ridge(alpha=1.0) if levels is None else LogisticRegression(C=_STRENGTH, max_iter=_STEPS)


def _trees(inputs: Inputs, levels: Sequence[str] | None, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingRegressor if levels is None else HistGradientBoostingClassifier
    return kind(
        max_iter=_TREES, random_state=seed, early_stopping=False, categorical_features=list(inputs.categorical) or None
    )
