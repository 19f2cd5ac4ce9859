"""Faults of form that an editor, human or machine, leaves in a text. What was there before the edit is none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

from contrafact.wording import tokens

__all__ = ["FAULTS", "introduced", "repetition"]

_PARTNERS = {")": "(", "]": "[", "}": "{", "”": "“", "»": "«"}
_FACES = re.compile(r"[:;=8][-o^']?[()\[\]]")
_DOUBLED = re.compile(r"\b([^\W\d_]+)\s+\1\b", re.IGNORECASE)
_MAY_DOUBLE = re.compile(
    r"had|that|is|very|really|so|many|much|more|far|long|no|bye|ha|blah|well|now|there", re.IGNORECASE
)
_WHITE = re.compile(
    r"[^\S\n]{2,}|\n|[^\S\n](?=[,.;:!?](?:\s|$))|^[^\S\n]|[^\S\n]$|(?<=\w)[,;](?=[^\W\d_]{2})|[^\S\n](?=n't\b)"
)
_MARKS = re.compile(r"[,;:]\s*[,;:]|(?<!\.)\.\s?\.(?!\.)|[,;:]\s*[.!?](?!\.)|[!?]\s*[,;](?!\w)")
_LEFT = re.compile(
    r"_{2,}|\[(?:blank|mask|pad|unk|inst|/inst|infill)\]|</?(?:mask|s|unk|pad|blank|infill)>|<\|[^|>\s]{1,30}\|>"
    r"|[\ufffd\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|^\s*#{2,}|```|\*\*",
    re.IGNORECASE,
)
_TALK = re.compile(
    # "was replaced by" and "a bag filled with" are plain English; "the replaced by" and a text that begins so are not.
    r"(?:^\W*|[,;:.!?]\s*|\b(?:an?|the|my|his|her|of|to|in|on|at|for|from|and|or)\s+)"
    r"(?:replaced (?:by|with)|filled (?:in )?(?:with|by)|fill(?:s|ing)? (?:in )?(?:with|the))\b"
    r"|\breplace (?:it|the (?:blank|span|phrase|word)) with\b|\bthe blank (?:is|with|space)\b|\bin the blanks?\b"
    r"|\bas an ai\b|\blanguage model\b|\b(?:here is|here's) (?:the|an?|your) (?:new|edited|revised|rewritten) "
    r"|\b(?:premise|hypothesis|sentence|answer|label|output|input|text|assistant|user|system)\s?:",
    re.IGNORECASE,
)
_RUN = 3


def _open(text: str) -> int:
    """Quotes and brackets without their partner. Apostrophes and smiling faces are none."""
    waiting: list[str] = []
    lonely = text.count('"') % 2
    for character in _FACES.sub("", text):
        if character in _PARTNERS.values():
            waiting.append(character)
        elif character in _PARTNERS:
            if waiting and waiting[-1] == _PARTNERS[character]:
                waiting.pop()
            else:
                lonely += 1
    return lonely + len(waiting)


def _twice(text: str) -> int:
    return sum(_MAY_DOUBLE.fullmatch(match[1]) is None for match in _DOUBLED.finditer(text))


def _small(text: str) -> int:
    """1 where the first letter is a small one."""
    first = next((character for character in text if character.isalpha()), "")
    return int(first.islower())


def _matches(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in pattern.finditer(text))


FAULTS: Mapping[str, Callable[[str], int]] = {
    "words of an instruction stand in the text": partial(_matches, _TALK),
    "a blank or a mark of a machine was left": partial(_matches, _LEFT),
    "a quote or bracket is open": _open,
    "a word stands twice": _twice,
    "white space is astray": partial(_matches, _WHITE),
    "punctuation is doubled": partial(_matches, _MARKS),
    "the text no longer begins with a capital": _small,
}
"""What each fault is called, and how often a text has it."""


def introduced(before: str, after: str) -> dict[str, int]:
    """Faults that ``after`` has more often than ``before``, and how much more often."""
    more = {name: count(after) - count(before) for name, count in FAULTS.items()}
    return {name: surplus for name, surplus in more.items() if surplus > 0}


def repetition(text: str) -> float:
    """Share of the runs of three words that stood in the text before: 0 where none repeats, near 1 for a loop."""
    words = [word.lower() for word in tokens(text)]
    runs = Counter(tuple(words[place : place + _RUN]) for place in range(len(words) - _RUN + 1))
    total = runs.total()
    return 1 - len(runs) / total if total else 0.0
