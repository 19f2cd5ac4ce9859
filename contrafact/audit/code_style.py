"""Does the way code is written tell which member of a pair is which? Length, comments and identifiers alone.

Both members of a pair are shown at once, which is the hardest test of all: whatever a pair's members share, such as
their author's habits, cancels out. A classifier that is shown the difference between two texts says which of them has
the higher label; the share of pairs on which it is right, a tie counting half, is the area under the ROC curve within
pairs.
Near one half it has learnt nothing; no pair is rejected for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.audit.reading import Audited, texts_of
from contrafact.audit.statistics import Grouped, bootstrap_interval, bootstrap_means
from contrafact.streams import Streams

__all__ = ["CODE_VIEWS", "code_style", "measured"]

_FIELD = "code"
_FOLDS = 5
_LEAST_GROUPS = 10
_LEAST_PAIRS = 40
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|(?m:^[ \t]*#(?!\s*(?:include|define|if|endif|else))[^\n]*)", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")
_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        "and as assert auto bool break case char class const continue def default del do double elif else enum "
        "except extern false finally float for from goto if import in inline int is lambda long not or pass raise "
        "return short signed sizeof static struct switch True False None try typedef union unsigned void volatile "
        "while with yield",
    )
)

CODE_VIEWS = ("length", "comments", "identifiers", "length, comments and identifiers")
"""What is shown of the two members, in turn."""


def code_style(data: Audited, streams: Streams, alpha: float, draws: int) -> Iterator[dict[str, Any]]:
    """One row a view, as :func:`contrafact.audit.shortcuts.shortcuts_of` gives them; nothing where there is no code.

    ``accuracy`` is the area under the curve within pairs, and ``chance`` one half.
    """
    if _FIELD not in data.text_fields or data.levels is None:
        return
    pairs = data.pairs.take(pa.array(data.targets))
    moved = pc.fill_null(pc.not_equal(pairs["label"], pairs["counterfactual_label"]), False)
    rows = np.flatnonzero(moved.combine_chunks().to_numpy(zero_copy_only=False))
    groups = data.groups[data.targets][rows]
    pairs = pairs.take(pa.array(rows))
    up = pc.greater(pairs["counterfactual_label"], pairs["label"]).to_numpy()
    for view in CODE_VIEWS:
        named = {"view": f"code: {view}", "tells": "which is which"}
        if len(rows) < _LEAST_PAIRS or len(np.unique(groups)) < _LEAST_GROUPS:
            yield {**named, "skipped": f"{len(rows)} pairs in {len(np.unique(groups))} groups are too few"}
            continue
        before, after = (
            measured([text for (text,) in texts_of(pairs, side, (_FIELD,))], view)
            for side in ("factual", "counterfactual")
        )
        higher = np.where(up[:, None], after - before, before - after)
        yield {**named, **_attempt(higher, groups, streams.generator("code style", view), alpha, draws)}


def measured(texts: list[str], view: str) -> NDArray[np.float64]:
    """What a view shows of each text. Shape (n, features); identifiers are counted by a hash of their name."""
    parts = []
    if view.startswith("length"):
        parts.append(np.array([[len(text), text.count("\n"), len(text.split())] for text in texts], dtype=np.float64))
    if "comments" in view:
        found = [_COMMENT.findall(text) for text in texts]
        parts.append(np.array([[len(each), sum(map(len, each))] for each in found], dtype=np.float64))
    if "identifiers" in view:
        parts.append(_identifiers(texts))
    return np.hstack(parts)


def _identifiers(texts: list[str]) -> NDArray[np.float64]:
    from sklearn.feature_extraction.text import HashingVectorizer

    names = [[word for word in _WORD.findall(_COMMENT.sub(" ", text)) if word not in _KEYWORDS] for text in texts]
    own = [[len(each), len(set(each)), sum(map(len, each)), sum("_" in word for word in each)] for each in names]
    counts = HashingVectorizer(n_features=256, norm=None, alternate_sign=False, analyzer=lambda words: words)
    return np.hstack([np.array(own, dtype=np.float64), counts.transform(names).toarray()])


def _attempt(
    higher: NDArray[np.float64], groups: NDArray[np.int64], rng: np.random.Generator, alpha: float, draws: int
) -> dict[str, Any]:
    right = _right(higher, groups, int(rng.integers(2**31)))
    _, numbers = np.unique(groups, return_inverse=True)
    means = bootstrap_means(Grouped.of(right, numbers), draws, rng)
    low, high = bootstrap_interval(means, 1 - alpha)
    above = float(right.mean()) - 0.5
    return {
        "pairs": len(right),
        "groups": len(np.unique(groups)),
        "accuracy": float(right.mean()),
        "low": low,
        "high": high,
        "chance": 0.5,
        "above": above,
        "p": _chance(above, float(means.std(ddof=1))),
    }


def _right(higher: NDArray[np.float64], groups: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """1 for each pair whose members are told apart by a classifier that saw none of its group, 0.5 for a tie."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    right = np.full(len(higher), 0.5)
    folds = GroupKFold(min(_FOLDS, len(np.unique(groups))), shuffle=True, random_state=seed)
    for train, held in folds.split(higher, groups=groups):
        both = np.vstack([higher[train], -higher[train]])  # either member may come first
        answers = np.repeat([1, 0], len(train))
        classifier = make_pipeline(
            StandardScaler(with_mean=False), LogisticRegression(fit_intercept=False, max_iter=1000)
        )
        classifier.fit(both, answers)
        scores = classifier.decision_function(higher[held])
        right[held] = np.where(np.isclose(scores, 0, atol=1e-9), 0.5, scores > 0)
    return right


def _chance(above: float, error: float) -> float:
    from scipy import stats

    if error == 0:
        return 0.0 if above > 0 else 1.0
    return float(stats.norm.sf(above / error))
