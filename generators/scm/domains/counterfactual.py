"""The counterfactual of a domain: what a unit of one environment would have been in another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from contrafact.errors import ModelError
from contrafact.streams import Streams
from generators.scm.domains.latent import ILD
from generators.scm.mechanisms.base import Columns
from generators.scm.model import SCM
from generators.scm.operations import abduct, predict

__all__ = ["domain_counterfactual"]


def domain_counterfactual(
    model: SCM,
    facts: Columns | None = None,
    *,
    source: str,
    target: str,
    noise: Mapping[str, NDArray[Any]] | None = None,
    streams: Streams | None = None,
) -> dict[str, NDArray[Any]]:
    """Same units, same noise, another domain's mechanisms: ``f_target(f_source^-1(x))``.

    Zhou et al. 2024, "Towards characterizing domain counterfactuals for invertible latent causal models"
    (arXiv 2306.11281), definition of a domain counterfactual.

    Parameters
    ----------
    facts : mapping of name to ndarray, shape (n,)
        Units observed in ``source``. For an :class:`ILD` the observed columns are enough: its latent ones follow.
    source, target : str
        Domains of the model; ``base`` is the model itself.
    noise : mapping of name to ndarray, optional
        Known noise, in place of facts.
    streams : Streams, optional
        For mechanisms whose abduction draws from a posterior.

    Returns
    -------
    dict of name to ndarray, shape (n,)
        Columns that no differing mechanism can reach are the factual ones; for ``target`` equal to ``source`` all are.

    Raises
    ------
    ModelError
        For an unknown domain, neither facts nor noise, or both.
    """
    if (facts is None) == (noise is None):
        raise ModelError(
            f"a domain counterfactual of {model.name!r} starts from facts or from noise, and "
            f"{'neither was' if facts is None else 'both were'} given",
            fix="give facts=, from which the noise is abducted, or noise=",
        )
    here, there = model.in_domain(source), model.in_domain(target)
    if facts is None:
        assert noise is not None  # noqa: S101 - one of the two is given
        rows = len(next(iter(noise.values())))
        facts, abducted = predict(here, noise, rows), False
    else:
        facts = model.origin.completed(facts) if isinstance(model.origin, ILD) else facts
        noise, abducted = abduct(here, facts, streams or Streams(0, model.identity)).noise, True
        rows = len(facts[model.order[0]])
    changed = here.differing(target)
    return predict(there, noise, rows, facts=facts, changed=changed, keep_unmoved=abducted, factual=here)
