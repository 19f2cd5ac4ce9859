"""What the set filters share that judge by how alike texts are: which texts, and whose vectors."""

from __future__ import annotations

from typing import Any, Literal

import pyarrow as pa

from contrafact.engines import Engines
from contrafact.engines.embeddings import embedder_identity
from contrafact.stages import Generator, SetFilter
from filters.embedding_sketch import sketch_of
from filters.options import check_choice
from filters.text import joined_texts, text_members

__all__ = ["EmbeddedTexts"]

_SIDES = ("counterfactual", "factual")


class EmbeddedTexts(SetFilter):
    """A set filter over the embedded texts of one side of each pair.

    Parameters
    ----------
    of : {'counterfactual', 'factual'}
        Which side's texts are compared.
    fields : list of str, optional
        Text members; all by default, on lines of their own.

    Raises
    ------
    RecipeError
        Where ``of`` has no such choice, or ``fields`` names no text.
    MissingDependencyError
        Where there is no embedder.
    """

    def __init__(self, of: Literal["counterfactual", "factual"], fields: list[str] | None) -> None:
        check_choice(self.name, "of", of, _SIDES)
        self.of, self.given = of, fields
        self._fields: tuple[str, ...] = ()
        self._identity = ""

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        self._fields = text_members(alias, self.given, generator)

    def borrow(self, engines: Engines) -> None:
        super().borrow(engines)
        self._identity = embedder_identity(engines.settings.get("embeddings") or {})

    def identity(self) -> Any:
        return self._identity

    def vectors(self, pairs: pa.Table) -> pa.Array:
        """The vector of each pair's text, as sketches keep it."""
        return sketch_of(self.engines.embedder, joined_texts(pairs, self.of, self._fields))
