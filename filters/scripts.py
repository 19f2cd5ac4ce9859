"""Which script a letter belongs to, by the names of Unicode."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

__all__ = ["foreign_share", "script_of"]

_KINDRED = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "BOPOMOFO": "CJK", "IDEOGRAPHIC": "CJK"}
_WIDTHS = (
    "FULLWIDTH",
    "HALFWIDTH",
    "MATHEMATICAL",
    "DOUBLE-STRUCK",
    "CIRCLED",
    "SQUARED",
    "SCRIPT",
    "MODIFIER",
    "SUPERSCRIPT",
    "SUBSCRIPT",
)
_NONE = frozenset({"MICRO", "FEMININE", "MASCULINE", "KELVIN", "ANGSTROM", "OHM", "LETTERLIKE"})


@lru_cache(maxsize=8192)
def script_of(character: str) -> str | None:
    """``LATIN``, ``CYRILLIC``, ``ARABIC`` ...; None for what is no letter, or a letter of no script (a micro sign).

    Han, kana and bopomofo are one script here, since Japanese and Chinese texts mix them.
    """
    if not character.isalpha():
        return None
    first, _, rest = unicodedata.name(character, "").partition(" ")
    if first in _WIDTHS:
        first = "LATIN" if first == "MATHEMATICAL" else rest.partition(" ")[0]
    if not first or first in _NONE:
        return None
    return _KINDRED.get(first, "CJK" if first.startswith("CJK") else first)


def foreign_share(before: str, after: str) -> float:
    """Share of the letters of ``after`` in scripts that ``before`` does not use.

    0 where either has no letter: a text of digits has no script to leave.
    """
    own = {script_of(character) for character in set(before)} - {None}
    letters = [script for character in after if (script := script_of(character)) is not None]
    return sum(script not in own for script in letters) / len(letters) if own and letters else 0.0
