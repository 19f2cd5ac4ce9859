"""Before the first shard: the source has what is read of it, and a language model that will be asked is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from contrafact.errors import ContrafactError, EndpointError
from contrafact.plan import Plan
from contrafact.spending import sampled_questions

if TYPE_CHECKING:
    from contrafact.engines.llm.request import Request

__all__ = ["check_engines", "check_source", "missing_key"]

_SAMPLE = 32


def check_source(plan: Plan) -> None:
    """Make sure that a named source has the columns that the generator reads.

    Raises
    ------
    DataError
        Where it has not.
    """
    if plan.recipe.source is not None:
        plan.generator.check_units(plan.source.read(0, 1))


def check_engines(plan: Plan) -> None:
    """Make sure of the language model that the plan will ask; nothing where it asks none, or answers from the cache.

    A build that goes on, or is made again, may find all its replies in the cache and need neither key nor server: where
    a sample of the first shard's questions is answered already, the endpoint is tried only when something is missing.

    Raises
    ------
    EndpointError
        For a missing or refused key, an endpoint that does not answer, or an unknown model.
    RecipeError
        Where the model lacks what a stage needs, such as log-probabilities.
    """
    if plan.engines.replay:
        return
    if plan.engines.asks and not _cache_of(plan).is_file():
        first: Sequence[Request] = ()  # nothing can be answered already, and to make the questions may take long
    else:
        first = _first_questions(plan)
        if not first and not plan.engines.asks:
            return
    try:
        plan.engines.check(reached=bool(first) and _answered(plan, first))
    except BaseException:
        plan.engines.close()
        raise


def missing_key(plan: Plan) -> EndpointError | None:
    """The error that a build of this plan would end with for want of a key; None where there is none. Sends nothing."""
    from contrafact.engines.llm.connection import read_key
    from contrafact.engines.llm.settings import read_settings

    try:
        read_key(read_settings(plan.recipe.engines.get("llm") or {}))
    except EndpointError as error:
        return error if plan.engines.asks or _first_questions(plan) else None
    return None


def _first_questions(plan: Plan) -> Sequence[Request]:
    """Some of what will be asked about the first shard's units."""
    try:
        return sampled_questions(plan, min(plan.units, plan.shard_rows), _SAMPLE) or ()
    except ContrafactError:
        raise
    except Exception:  # noqa: BLE001  # a plug-in's own fault: the shard itself will say it better
        return ()


def _cache_of(plan: Plan) -> Path:
    from contrafact.engines.llm.settings import read_settings

    return read_settings(plan.recipe.engines.get("llm") or {}).cache


def _answered(plan: Plan, questions: Sequence[Request]) -> bool:
    if not _cache_of(plan).is_file():
        return False
    found = plan.engines.llm.estimate(questions)
    return found.cached == found.requests
