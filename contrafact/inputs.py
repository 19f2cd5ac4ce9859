"""What a dataset was made from besides its recipe: tables, corpora, models. Who gave it, and on what terms."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

__all__ = ["Input"]


@dataclass(frozen=True)
class Input:
    """One thing that a dataset stands on.

    Attributes
    ----------
    name : str
        What it is.
    source : str
        Where it is from: a package and file, a hub id, an address.
    licence : str
        As its owner states it; empty where none is stated.
    citation : str
        The publication to cite for it.
    publish : bool, optional
        Whether what was made from it may be published. Unless given, the licence decides
        (:mod:`contrafact.publishing.licences`).
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    name: str
    source: str = ""
    licence: str = ""
    citation: str = ""
    publish: bool | None = None

    def spec(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)
