"""What a recipe and its stages tell together: inputs and citations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contrafact.recipe import Recipe

__all__ = ["citations_of", "inputs_of"]


def inputs_of(recipe: Recipe, told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a dataset was made from: the recipe's word stands before that of the stages, name by name."""
    known = {each["name"]: each for each in told.get("inputs", ())}
    return list((known | {each.name: each.spec() for each in recipe.inputs}).values())


def citations_of(recipe: Recipe, told: Mapping[str, Any]) -> list[str]:
    """Publications to cite: the recipe's, those of the methods, and those of the inputs."""
    inputs = (each["citation"] for each in inputs_of(recipe, told))
    return list(dict.fromkeys(text for text in (*recipe.citations, *told.get("citations", ()), *inputs) if text))
