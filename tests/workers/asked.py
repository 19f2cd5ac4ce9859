"""Requests as loopback object stores saw them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Asked"]


@dataclass(frozen=True)
class Asked:
    """One request as it arrived. ``bytes`` is what it sent."""

    method: str
    path: str
    query: str
    ranged: str
    bytes: int
