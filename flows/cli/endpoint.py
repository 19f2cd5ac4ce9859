"""Whether a server answers: Prefect's, that the environment names, or a recipe's language model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flows.server import named_server as api_url
from flows.server import why_not

if TYPE_CHECKING:
    from contrafact.errors import UserError

__all__ = ["api_url", "model_problem", "why_not"]


def model_problem(settings: Mapping[str, Any]) -> UserError | None:
    """Why the language model of a recipe's ``engines.llm`` cannot be used; None where it answers. Asks it nothing."""
    from contrafact.engines.llm import open_llm
    from contrafact.errors import UserError

    try:
        engine = open_llm(settings)
        try:
            engine.check()
        finally:
            engine.close()
    except UserError as error:
        return error
    return None
