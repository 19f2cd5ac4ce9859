"""Code minimality: how many statements, tokens and nodes of the syntax tree an edit of a program touched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines.syntax import Language, statements_touched, token_distance, tree_distance
from contrafact.errors import RecipeError
from contrafact.stages import Generator, Judgement, PairFilter
from filters.languages import Spoken
from filters.options import check_number
from filters.text import edited_texts, stored_scores, text_members
from filters.verdicts import Tally

__all__ = ["CodeMinimality"]


class CodeMinimality(PairFilter):
    """The edit of a program is small.

    * ``<alias>_statements``: statements inserted, deleted or changed;
    * ``<alias>_tokens``: tokens inserted, deleted or replaced (Levenshtein), comments left out;
    * ``<alias>_tree``: nodes of the syntax tree inserted, deleted or relabelled (Zhang & Shasha 1989).

    An edit of comments or white space alone scores 0 in all three, and fails unless ``min_tokens`` is 0.

    Parameters
    ----------
    max_statements, max_tokens, max_tree : int, optional
        Bounds of the three; ``max_statements`` is 2 unless given.
    min_tokens : int
        Fewest tokens.
    field : str
        The member that holds the program.
    language : {'python', 'c'}, optional
        Told by the member ``language`` where that is a class label, else Python.

    Raises
    ------
    RecipeError
        For an unknown language, a negative bound, one that nothing can meet, or a field that is no text of these pairs.
    MissingDependencyError
        Where tree-sitter is not installed.
    """

    name: ClassVar[str] = "code_minimality"
    thresholds: ClassVar[frozenset[str]] = frozenset({"max_statements", "max_tokens", "max_tree", "min_tokens"})

    def __init__(
        self,
        *,
        max_statements: int | None = 2,
        max_tokens: int | None = None,
        max_tree: int | None = None,
        min_tokens: int = 1,
        field: str = "code",
        language: Language | None = None,
    ) -> None:
        given = {"max_statements": max_statements, "max_tokens": max_tokens, "max_tree": max_tree}
        self.bounds = {name: math.inf if most is None else check_number(self.name, name, most)
                       for name, most in given.items()}  # fmt: skip
        self.least = check_number(self.name, "min_tokens", min_tokens)
        if self.bounds["max_tokens"] < self.least:
            raise RecipeError(
                f"filter {self.name}: nothing is at least min_tokens = {min_tokens} and at most {max_tokens}",
                allowed="min_tokens <= max_tokens",
                fix="exchange min_tokens and max_tokens, or leave one out",
            )
        self.field, self.spoken = field, Spoken(self.name, language)

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        text_members(alias, [self.field], generator)
        self.spoken.bind(generator)
        for each in self.spoken.possible:
            tree_distance(b"", b"", each)  # the grammar is there, or it is said now

    def score_fields(self) -> Sequence[pa.Field]:
        return [pa.field(name, pa.float64()) for name in self._names()]

    def judge(self, pairs: pa.Table) -> Judgement:
        statements, tokens, tree = np.zeros((3, pairs.num_rows))
        languages = self.spoken.of(pairs, "factual")
        for each in edited_texts(pairs, [self.field]):
            both, language = (each.before.encode(), each.after.encode()), languages[each.row]
            statements[each.row] = statements_touched(*both, language)
            tokens[each.row] = token_distance(*both, language)
            tree[each.row] = tree_distance(*both, language)
        return self._verdicts(statements, tokens, tree)

    def redecide(self, pairs: pa.Table) -> Judgement | None:
        scores = stored_scores(pairs, self._names())
        return None if scores is None else self._verdicts(*scores)

    def _names(self) -> list[str]:
        return [f"{self.alias}_{name}" for name in ("statements", "tokens", "tree")]

    def _verdicts(
        self, statements: NDArray[np.float64], tokens: NDArray[np.float64], tree: NDArray[np.float64]
    ) -> Judgement:
        tally = Tally(len(tokens))
        tally.add(tokens < self.least, f"{self.alias}: too few tokens were changed")
        tally.add(statements > self.bounds["max_statements"], f"{self.alias}: too many statements were touched")
        tally.add(tokens > self.bounds["max_tokens"], f"{self.alias}: too many tokens were changed")
        tally.add(tree > self.bounds["max_tree"], f"{self.alias}: the trees are too far apart")
        return Judgement(tally.passed, tally.reasons, dict(zip(self._names(), (statements, tokens, tree), strict=True)))
