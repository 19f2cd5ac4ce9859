"""What shortcut classifiers see of a text: its length, its words, the edited text alone, or its style."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.wording import tokens

__all__ = ["STYLE", "VIEWS", "length_of", "style_of"]

Texts = Sequence[tuple[str, ...]]

_FUNCTION = re.compile(
    r"(?:a|an|the|this|that|these|those|i|you|he|she|it|we|they|me|him|her|us|them|my|your|his|its|our|their|who|which"
    r"|what|is|are|was|were|be|been|being|am|have|has|had|do|does|did|will|would|can|could|should|may|might|must|and|or"
    r"|but|if|because|so|than|as|of|at|by|for|with|about|against|between|into|through|to|from|up|down|in|out|on|off|over"
    r"|under|again|then|once|here|there|when|where|why|how|all|any|both|each|few|more|most|other|some|such|no|nor|not"
    r"|only|own|same|too|very|just)",
    re.IGNORECASE,
)
_WORD = r"(?u)[^\W_]+(?:['’][^\W_]+)*"  # noqa: RUF001
_SENTENCE_END = re.compile(r"[.!?…]+")

STYLE = (
    "function words", "mean length of words", "words a sentence", "different words", "capitals", "figures", "commas",
    "full stops", "exclamation marks", "question marks", "quotes", "apostrophes", "other marks", "ends with a mark",
)  # fmt: skip
"""What :func:`style_of` measures, in order: shares of words or characters, but for the second and third."""


def length_of(texts: Texts) -> NDArray[np.float64]:
    """Characters and words of each text, and their logarithms. Shape (n, 4 f)."""
    counts = np.array([[size for text in row for size in (len(text), len(tokens(text)))] for row in texts], dtype=float)
    return np.hstack([counts, np.log1p(counts)])


def style_of(texts: Texts) -> NDArray[np.float64]:
    """How a text is written, whatever it says. Shape (n, f * len(STYLE))."""
    return np.array([[value for text in row for value in _style(text)] for row in texts], dtype=np.float64)


def _style(text: str) -> list[float]:
    words = [each for each in tokens(text) if each[0].isalnum()]
    many, size = max(1, len(words)), max(1, len(text))
    ends = len(_SENTENCE_END.findall(text)) or 1
    return [
        sum(_FUNCTION.fullmatch(each) is not None for each in words) / many,
        sum(map(len, words)) / many,
        len(words) / ends,
        len({each.lower() for each in words}) / many,
        sum(each.isupper() for each in text) / size,
        sum(each.isdigit() for each in text) / size,
        text.count(",") / many,
        text.count(".") / many,
        text.count("!") / many,
        text.count("?") / many,
        sum(text.count(mark) for mark in '"“”') / many,
        sum(text.count(mark) for mark in "'’‘") / many,  # noqa: RUF001  # curly ones are meant
        sum(not (each.isalnum() or each.isspace()) for each in text) / size,
        float(bool(text) and text.rstrip()[-1:] in ".!?…"),
    ]


def _numbers(measure: Callable[[Texts], NDArray[np.float64]]) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    return make_pipeline(FunctionTransformer(measure), StandardScaler(), LogisticRegression(max_iter=1000))


def _words(**options: Any) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    counts = CountVectorizer(binary=True, max_features=20_000, token_pattern=_WORD, **options)
    return make_pipeline(FunctionTransformer(_joined), counts, LogisticRegression(max_iter=1000))


def _joined(texts: Texts) -> list[str]:
    return ["\n".join(row) for row in texts]


VIEWS: Mapping[str, Callable[[], Any]] = {
    "length": lambda: _numbers(length_of),
    "words": _words,
    "edited text alone": lambda: _words(ngram_range=(1, 2)),
    "style": lambda: _numbers(style_of),
}
"""Unfitted scikit-learn classifiers on rows of texts, by what they see."""
