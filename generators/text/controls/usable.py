"""What a model's paraphrase must not be: a refusal, another statement, or one that touches what the edit is about."""

from __future__ import annotations

import re
from collections import Counter

from contrafact.wording import tokens
from generators.text.controls.change import Target
from generators.text.residue import has_blank, has_meta_phrase, has_residue
from generators.text.words import NEGATIONS, words

__all__ = ["objection", "refuses"]

_REFUSAL = re.compile(
    r"\b(?:i|we) (?:can ?not|can't|can’t|won't|am unable to|am not able to|'m not able to)\b.{0,40}"  # noqa: RUF001
    r"\b(?:help|assist|paraphrase|rewrite|comply|do that|fulfil|provide|continue)|\bas an ai\b|^(?:i'm |i am )?sorry\b",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"\d[\d.,:]*")
_EVERYDAY = {"wo": "will", "ca": "can"}


def refuses(text: str, before: str) -> bool:
    """Whether a reply declines the task, where the text itself says nothing of the kind."""
    return _REFUSAL.search(text) is not None and _REFUSAL.search(before) is None


def objection(target: Target, text: str) -> str | None:
    """Why a paraphrase cannot be used, in words that can be counted; None where nothing speaks against it."""
    before = target.text
    if words(text) == words(before) and text.split() == before.split():
        return "the paraphrase is the text itself"
    if has_residue(text, before) or has_blank(text) or (has_meta_phrase(text) and not has_meta_phrase(before)):
        return "the paraphrase speaks of the task"
    if text.split() == target.edited.split():
        return "the paraphrase is the target edit"
    if not 0.5 <= len(tokens(text)) / target.words <= 2:
        return "the paraphrase is much longer or shorter"
    if target.held - set(map(str.lower, tokens(text))):
        return "a word that the target edit is about was changed"
    if _negations(text) != _negations(before):
        return "a negation came or went"
    if Counter(_FIGURE.findall(text)) != Counter(_FIGURE.findall(before)):
        return "a figure was changed"
    return "a name was changed" if _names(before) != _names(text) else None


def _negations(text: str) -> int:
    return sum(word in NEGATIONS or word.endswith("n't") for word in words(text))


def _names(text: str) -> set[str]:
    """Words with a capital that does not begin a sentence."""
    return {found[1] for found in re.finditer(r"(?<=[\w,;] )([A-Z]\w+)", text)}
