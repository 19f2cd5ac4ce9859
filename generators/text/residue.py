"""Instruction residue: fills that speak of the task, or to the one who asked, instead of filling the blank."""

from __future__ import annotations

import re

__all__ = ["has_blank", "has_meta_phrase", "has_residue"]

_BLANK = re.compile(
    r"_{2,}|\.{4,}|\[\s*(?:blank|mask|fill|insert|…|\.\.\.|_+)?\s*\]|<\s*(?:blank|mask|fill|insert|extra_id_\d+)\s*/?>"
    r"|\{\s*(?:blank|mask)?\s*\}|\(\s*blank\s*\)",
    re.IGNORECASE,
)

# Words of the task: they mean the task itself only in phrases such as these.
_META = re.compile(
    r"\b(?:the|this|that|given|above|following|original|new|edited)\s+(?:premise|hypothesis|sentence|statement|text"
    r"|review|label|prompt|context|instruction|conclusion)s?\b"
    r"|\b(?:premise|hypothesis|entailment|entailed|contradiction|counterfactual)\b"
    r"|\b(?:is|are|be|becomes?)\s+(?:true|false|inconclusive|neutral|entailed|contradicted)\b"
    r"|\b(?:sentiment|label)\s+(?:is|to|from)\b"
    r"|\bcontradict(?:s|ed|ing)?\b|\bentails?\b",
    re.IGNORECASE,
)

_OPENINGS = re.compile(
    r"^\W*(?:"
    r"(?:is|was|be|been|being|are|to be|can be|could be|should be|will be|must be)?\s*"
    r"(?:replaced|filled|substituted|rewritten|completed|swapped|changed)\s+(?:in\s+|out\s+)?(?:by|with|as|to|into)\b"
    r"|(?:replace|fill|substitute|rewrite)\s+(?:in\s+)?(?:it|this|that|the|with|by|blank)\b"
    r"|(?:sure|certainly|of course|absolutely|okay|ok)\s*[,!:.]"
    r"|(?:sure|certainly)\s+(?:thing|here)\b"
    r"|here(?:'s|’s| is| are)\s+(?:the|a|an|your|my|some|one)\s+(?:\w+\s+){0,2}"  # noqa: RUF001
    r"(?:answer|sentence|fill|phrase|text|version|rewrite|result|example|edit|replacement|completion)\b"
    r"|(?:answer|output|response|result|fill(?:ed)?(?:[ -]in)?|completion|assistant|user|system|human|ai|bot|input"
    r"|statement|sentence|text|review|edit(?:ed)?|replacement|rewritten|new text|example)\s*:"
    r"|as an? (?:ai|language model|assistant)\b"
    r"|i(?:'m| am|’m) (?:sorry|unable|not able)\b[ ,.]*(?:but|i|to)\b"  # noqa: RUF001
    r"|i (?:can ?not|can't|can’t) (?:help|assist|fulfil|complete|provide|answer)\b"  # noqa: RUF001
    r"|(?:the )?(?:answer|correct answer|missing (?:word|phrase)s?) (?:is|are|would be|could be)\b"
    r")",
    re.IGNORECASE,
)

_ANYWHERE = re.compile(
    r"\b(?:the|a|this|that|each|in|fill(?:ed|ing)?(?:\s+in)?)\s+blanks?(?:\s+(?:with|is|are|by|in)\b|\s*$|[.,:;])"
    r"|\bfill(?:ed|ing|s)?\s+(?:in\s+)?the\s+(?:blank|gap)s?\b"
    r"|\b(?:masked|blanked)\s+(?:span|word|token|phrase|part)s?\b"
    r"|\bso that (?:the|this) (?:sentence|conclusion|hypothesis|statement|label|sentiment)\b"
    r"|<\|?(?:im_start|im_end|endoftext|assistant|user|system|s)\|?>|\[/?inst\]|```|\bhuman:|\bassistant:",
    re.IGNORECASE,
)

_QUOTES = {'"': '"', "“": "”", "«": "»", "„": "“", "`": "`", "'": "'", "‘": "’"}  # noqa: RUF001


def has_blank(fill: str) -> bool:
    """Whether a placeholder is left in the fill: ``___``, ``[blank]``, ``<mask>``, ``{}``."""
    return _BLANK.search(fill) is not None


def has_meta_phrase(fill: str) -> bool:
    """Whether the fill speaks of premise, hypothesis, labels or ``the sentence``."""
    return _META.search(fill) is not None


def has_residue(fill: str, before: str = "") -> bool:
    """Whether the fill is, or begins as, a piece of an instruction or of a chat, or has quotes around it.

    Parameters
    ----------
    before : str
        What stood in its place: quotes, line breaks and phrases that were there already are the author's own.
    """
    if _quoted(fill) and not _quoted(before):
        return True
    if "\n" in fill.strip() and "\n" not in before.strip():
        return True
    return any(
        pattern.search(fill) is not None and pattern.search(before) is None for pattern in (_OPENINGS, _ANYWHERE)
    )


def _quoted(text: str) -> bool:
    bare = text.strip().rstrip(".,;")
    return len(bare) > 2 and _QUOTES.get(bare[0]) == bare[-1]
