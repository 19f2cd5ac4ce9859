"""Teachers that come as somebody's own code: scikit-learn pipelines and functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.engines.teachers.base import Teacher, Texts
from contrafact.errors import DataError, PluginError, RecipeError
from contrafact.store.atomic import digest

__all__ = ["FunctionTeacher", "PipelineTeacher"]

_SLACK = 1e-3


class PipelineTeacher(Teacher):
    """A fitted scikit-learn pipeline from raw text to probabilities, saved with joblib.

    A joblib file is a program: loading it runs whatever its author put into it. It is loaded only where the recipe says
    ``trust: true``, and then at once, since its labels are known only afterwards.

    Parameters
    ----------
    path : Path
    trust : bool

    Raises
    ------
    RecipeError
        Without ``trust: true``.
    DataError
        Where the file is not there, does not load, or holds nothing with ``predict_proba`` and ``classes_``.
    """

    def __init__(self, path: Path, *, trust: bool) -> None:
        self.path = path
        if not path.is_file():
            raise DataError(f"there is no file {str(path)!r}", allowed="a pipeline saved with joblib.dump")
        if trust is not True:
            raise RecipeError(
                f"loading {path.name} would run the code inside it",
                allowed="trust: true beside the pipeline, for a file that you made or whose author you trust",
                fix="add trust: true",
            )
        self.labels = tuple(str(name) for name in self._pipeline.classes_)

    def identity(self) -> Any:
        return digest(self.path)

    def score(self, texts: Sequence[Texts]) -> NDArray[np.float64]:
        # A pipeline on one text takes texts; one on two takes rows of two.
        rows = [each[0] for each in texts] if len(texts[0]) == 1 else [list(each) for each in texts]
        return checked(self._pipeline.predict_proba(rows), (len(texts), len(self.labels)), self.path.name)

    @cached_property
    def _pipeline(self) -> Any:
        import joblib  # type: ignore[import-untyped]  # no stubs; scikit-learn brings it

        try:
            made = joblib.load(self.path)
        except Exception as error:
            raise DataError(f"{self.path.name} cannot be loaded: {type(error).__name__}: {error}") from error
        if not hasattr(made, "predict_proba") or not hasattr(made, "classes_"):
            raise DataError(
                f"{self.path.name} holds a {type(made).__name__}, which gives no probabilities",
                allowed="a fitted classifier or pipeline with predict_proba and classes_",
            )
        return made


class FunctionTeacher(Teacher):
    """A function of the user's own: texts (pairs of texts, for two fields) in, probabilities out.

    Its columns are the dataset's labels, in order. It is called by one thread at a time, with distinct texts, and which
    texts meet in one call is not settled: a row of its answer must depend on nothing but that row's text.
    """

    def __init__(self, name: str, function: Callable[[list[Any]], Any], labels: Sequence[str]) -> None:
        if not callable(function):
            raise PluginError(f"{name!r} is a {type(function).__name__}", allowed="a function of a list of texts")
        self.name, self.function, self.labels = name, function, tuple(labels)

    def identity(self) -> Any:
        return self.name  # the content of its file is part of the recipe's identity already

    def score(self, texts: Sequence[Texts]) -> NDArray[np.float64]:
        given = self.function([each[0] if len(each) == 1 else each for each in texts])
        return checked(given, (len(texts), len(self.labels)), self.name)


def checked(given: Any, shape: tuple[int, int], name: str) -> NDArray[np.float64]:
    """Probabilities as float64 whose rows sum to 1; a row may be all NaN, for no answer.

    Raises
    ------
    PluginError
        For another shape, a negative number, or a row that sums to something else.
    """
    chances = np.asarray(given, dtype=np.float64)
    if chances.shape != shape:
        raise PluginError(f"{name} gave an array of shape {chances.shape} for {shape[0]} texts", allowed=f"{shape}")
    sums = chances.sum(axis=1)
    answered = ~np.isnan(chances).all(axis=1)
    wrong = answered & ~((chances >= 0).all(axis=1) & (np.abs(sums - 1) <= _SLACK))
    if wrong.any():
        raise PluginError(f"{name} gave {chances[wrong][0].tolist()}", allowed="probabilities that sum to 1")
    return np.asarray(chances / sums[:, None], dtype=np.float64)
