"""The simulated data of Zhou et al. 2024 (arXiv 2306.11281, section 5 and appendix), as a causal model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from contrafact.errors import ModelError
from contrafact.streams import Streams
from generators.scm.domains.latent import ILD, LatentDomains, triangular_inverse
from generators.scm.mechanisms.base import Floats
from generators.scm.noise import Normal

__all__ = ["ild_model"]

_MOST = 24  # variables: above, a row of the mixing is too long for an expression
_POOLED = 4096  # units a domain, from which the scale of z is taken


def ild_model(
    m: int = 6,
    domains: int = 3,
    intervened: Sequence[int] = (4, 5),
    seed: int = 0,
    leaky: float = 0.5,
    mixing: bool = True,
) -> ILD:
    """An invertible latent domain model with random matrices.

    Weights are standard normal over a full order of the m latent variables; those of the ``intervened`` variables are
    drawn anew in every domain, together with an intercept from U[-2, 2] times ``sqrt(m / k)``. z is the leaky
    rectifier of h, divided by its standard deviation over all domains; x = z G with ``|det G| = 1``.

    One thing differs from the published simulator: the intercept enters the variable's own equation and is passed on
    to what follows, so that exactly the ``intervened`` equations depend on the domain, wherever they stand.

    Parameters
    ----------
    m, domains : int
        Numbers of latent variables and of domains, which are called ``base``, ``d1``, ``d2`` and so on.
    intervened : sequence of int
        Positions of the variables whose mechanism differs, from 0; they need not be the last.
    leaky : float
        Slope below zero, positive; 1 for a linear model.
    mixing : bool
        False to observe z itself.

    Raises
    ------
    ModelError
        For positions that are not there, fewer than two domains, or more than 24 variables.
    """
    if not 1 <= m <= _MOST:
        raise ModelError(f"m={m} latent variables", allowed=f"1 to {_MOST}", fix="m=6")
    chosen = sorted(set(intervened))
    if not chosen or chosen[0] < 0 or chosen[-1] >= m:
        raise ModelError(f"intervened={tuple(intervened)} of {m} variables", allowed=f"one or more of 0 to {m - 1}")
    if domains < 2:
        raise ModelError(f"{domains} domains leave nothing to go between", allowed="2 and more", fix="domains=3")
    streams = Streams(seed, "ild")
    weights = np.repeat(np.tril(_normal(streams, "weights", m, m), -1)[None], domains, axis=0)
    intercepts = np.zeros((domains, m))
    for domain in range(domains):
        weights[domain, chosen] = np.tril(_normal(streams, f"weights:{domain}", m, m), -1)[chosen]
        drawn = 4 * streams.uniforms(f"intercepts:{domain}", 0, m) - 2
        intercepts[domain, chosen] = drawn[chosen] * np.sqrt(m / len(chosen))
    L = triangular_inverse(np.eye(m) - weights)
    b = np.einsum("dij,dj->di", L, intercepts)
    mixed = _unimodular(_normal(streams, "mixing", m, m)) if mixing else None
    matrices = LatentDomains(L, b, slope=leaky, scale=_pooled_scale(streams, L, b, leaky), mixing=mixed)
    return ILD("ild", matrices)


def _normal(streams: Streams, name: str, rows: int, columns: int) -> Floats:
    return Normal().quantile(streams.uniforms(name, 0, rows, columns).reshape(rows, columns))


def _unimodular(matrix: Floats) -> Floats:
    # The logarithm of the determinant, since the determinant itself overflows for large m.
    scaled: Floats = matrix * np.exp(-np.linalg.slogdet(matrix)[1] / len(matrix))
    return scaled


def _pooled_scale(streams: Streams, L: Floats, b: Floats, leaky: float) -> Floats:
    noise = _normal(streams, "scale", _POOLED, b.shape[1])
    h = np.einsum("dij,nj->dni", L, noise) + b[:, None]
    deviations: Floats = np.where(h > 0, h, leaky * h).reshape(-1, b.shape[1]).std(axis=0)
    return deviations
