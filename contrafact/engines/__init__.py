"""The machines that stages borrow: language models, embeddings, sandboxes, media. Each is started once a process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contrafact.engines.embeddings import Embedder
    from contrafact.engines.llm import LLM
    from contrafact.engines.teachers import Remembering

__all__ = ["Engines"]


@dataclass
class Engines:
    """What a recipe's ``engines:`` asks for, made when a stage first borrows it and closed with the build.

    Parameters
    ----------
    settings : mapping
        ``{"llm": {...}, "embeddings": {...}}`` of the recipe.
    replay : bool
        Answer from caches alone; a request that is not there is an error, never a call.
    """

    settings: Mapping[Any, Any] = field(default_factory=dict)
    replay: bool = False

    @cached_property
    def llm(self) -> LLM:
        """The language model; the embedded one unless the recipe names another."""
        from contrafact.engines.llm import open_llm

        return open_llm(self.settings.get("llm") or {}, replay=self.replay)

    @cached_property
    def embedder(self) -> Embedder:
        """The sentence embedder; the embedded MiniLM unless the recipe names another."""
        from contrafact.engines.embeddings import open_embedder

        return open_embedder(self.settings.get("embeddings") or {})

    def teacher(
        self, spec: Mapping[str, Any] | str, labels: Sequence[str], fields: Sequence[str], folder: Path | None = None
    ) -> Remembering:
        """A model that gives each text (or pair, by ``fields``) a probability for each label.

        :mod:`contrafact.engines.teachers` lists the kinds.
        """
        from contrafact.engines.teachers import open_teacher

        return open_teacher(spec, labels, fields, self, folder)

    def close(self) -> None:
        """Stop what was started."""
        for name in ("llm", "embedder"):
            started = self.__dict__.pop(name, None)
            if started is not None:
                started.close()
