"""Counterfactual datasets: every label says who vouches for it, and every edit touches only what it declares.

What is exported here is the public surface of the core; each name is imported when it is first used, so that
``import contrafact`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contrafact.errors import ContrafactError
    from contrafact.pipeline import run_local
    from contrafact.plan import Plan, make_plan
    from contrafact.recipe import Recipe, load_recipe, parse_recipe
    from contrafact.validation import validate

__version__ = "0.1.0"

__all__ = [
    "ContrafactError",
    "Plan",
    "Recipe",
    "__version__",
    "load_recipe",
    "make_plan",
    "parse_recipe",
    "run_local",
    "validate",
]

_HOMES = {
    "ContrafactError": "errors",
    "Plan": "plan",
    "Recipe": "recipe",
    "load_recipe": "recipe",
    "make_plan": "plan",
    "parse_recipe": "recipe",
    "run_local": "pipeline",
    "validate": "validation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'contrafact' has no attribute {name!r}")
    return getattr(import_module(f"contrafact.{_HOMES[name]}"), name)
