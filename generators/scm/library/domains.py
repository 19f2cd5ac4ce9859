"""Invertible latent domain models under the names that recipes use."""

from __future__ import annotations

from collections.abc import Sequence

from generators.scm.domains import ILD, canonical, ild_model

__all__ = ["ild", "ild_canonical"]


def ild(
    m: int = 6,
    domains: int = 3,
    intervened: Sequence[int] = (4, 5),
    seed: int = 0,
    leaky: float = 0.5,
    mixing: bool = True,
) -> ILD:
    """The simulator of Zhou et al. 2024.

    Options: see :func:`ild_model`.
    """
    return ild_model(m, domains, intervened, seed, leaky, mixing)


def ild_canonical(
    m: int = 6,
    domains: int = 3,
    intervened: Sequence[int] = (1, 3),
    seed: int = 0,
    leaky: float = 0.5,
    mixing: bool = True,
) -> ILD:
    """The same in canonical form, where the intervened variables come last wherever they stood before."""
    return canonical(ild_model(m, domains, intervened, seed, leaky, mixing))
