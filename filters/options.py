"""Checks of filter options that every filter words alike."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pyarrow as pa

from contrafact.errors import RecipeError, did_you_mean
from contrafact.stages import Generator

__all__ = ["check_choice", "check_decimals", "check_members", "check_number", "check_range"]

_DECIMALS = 15


def check_number(name: str, option: str, value: float) -> float:
    """Return ``value`` as a float, or raise ``RecipeError`` where it is NaN, infinite or negative."""
    if not (math.isfinite(value) and value >= 0):
        raise RecipeError(
            f"filter {name}: {option} = {value} can never be meant",
            allowed="a finite number from 0 up",
            fix=f"set {option} to 0 or above",
        )
    return float(value)


def check_range(name: str, low: float, high: float | None) -> None:
    """Raise ``RecipeError`` unless ``min`` and ``max`` are thresholds that some value can meet."""
    check_number(name, "min", low)
    if high is not None and check_number(name, "max", high) < low:
        raise RecipeError(
            f"filter {name}: no value is at least min = {low} and at most max = {high}",
            allowed="min <= max",
            fix="exchange min and max, or leave one out",
        )


def check_choice(name: str, option: str, value: str, allowed: Iterable[str]) -> None:
    """Raise ``RecipeError`` unless ``value`` is one of ``allowed``."""
    choices = tuple(allowed)
    if value not in choices:
        raise RecipeError(
            f"filter {name}: {option} cannot be {value!r}{did_you_mean(str(value), choices)}",
            allowed=", ".join(choices),
            fix=f"write {option}: {choices[0]}",
        )


def check_decimals(name: str, decimals: int | None) -> None:
    """Raise ``RecipeError`` where a float64 could not be rounded to so many decimals."""
    if decimals is not None and abs(decimals) > _DECIMALS:
        raise RecipeError(
            f"filter {name}: decimals = {decimals} is more than a float64 has",
            allowed=f"{-_DECIMALS} to {_DECIMALS} (-1 rounds to tens)",
            fix="leave decimals out to compare values as they are",
        )


def check_members(name: str, option: str, given: Iterable[str], generator: Generator) -> dict[str, pa.Field]:
    """Fields of the pairs' members by name, or ``RecipeError`` where one of ``given`` is not among them."""
    fields = {member.name: member for member in generator.shape().members}
    for each in given:
        if each not in fields:
            raise RecipeError(
                f"filter {name}: {option} names {each!r}, which these pairs do not have{did_you_mean(each, fields)}",
                allowed=", ".join(fields),
                fix=f"correct or remove {each!r} in {option}",
            )
    return fields
