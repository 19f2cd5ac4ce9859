"""Forms of English words: inflection by dictionary, ``a`` or ``an``, and the case of what a word replaces.

Inflected forms come from the NIH's SPECIALIST lexicon through the package ``lemminflect``. Words that are not in it are
not guessed at: they have no form here, and a rule that needs one makes no edit.
"""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec

from contrafact.errors import MissingDependencyError

__all__ = ["article", "cased", "check_inflection", "inflected"]

_BASE = {"NN": "NOUN", "VB": "VERB", "VBP": "VERB", "JJ": "ADJ", "RB": "ADV"}
_BE = {"VBZ": "is", "VBP": "are", "VBD": "was", "VBN": "been", "VBG": "being", "VB": "be"}
_lock = threading.Lock()

# Spelling misleads: a vowel letter that sounds as a consonant, an h that does not sound.
_A = re.compile(
    r"uni(?:que|f[oiy]|on|[tvcls])|use|usu|uti|eu|ewe|one(?!ir)|once|ubi|ufo|uk[reu]|uran|urin|utop|u(?=[\d.-])",
    re.IGNORECASE,
)
_AN = re.compile(r"hour|honest|hono|heir|[fhlmnrsx]-", re.IGNORECASE)
_AN_LETTERS = frozenset("AEFHILMNORSX")


def check_inflection() -> None:
    """Raise ``MissingDependencyError`` unless the dictionary of forms is installed. Imports nothing."""
    if find_spec("lemminflect") is None:
        raise MissingDependencyError(
            "rules inflect words with lemminflect, which is not installed", fix="pip install lemminflect"
        )


@lru_cache(maxsize=50_000)
def inflected(lemma: str, tag: str) -> str | None:
    """The form of a lemma under a Penn tag (``VBD``, ``NNS``, ``JJR`` ...); None for a word not in the dictionary."""
    if lemma == "be":
        return _BE.get(tag)
    if tag in _BASE:
        return lemma
    with _lock:
        forms = import_module("lemminflect").getInflection(lemma, tag, inflect_oov=False)
    return str(forms[0]) if forms else None


def article(word: str) -> str:
    """``a`` or ``an``, by the sound that ``word`` begins with."""
    if len(word) > 1 and word.isupper() and word.isalpha() and len(word) <= 4:  # spelled out: an FBI agent
        return "an" if word[0] in _AN_LETTERS else "a"
    if word[:1].isdigit():
        return "an" if re.match(r"8|11(?!\d)|18(?!\d)|11,|18,", word) else "a"
    if _AN.match(word):
        return "an"
    return "an" if word[:1].lower() in "aeiou" and not _A.match(word) else "a"


def cased(word: str, like: str) -> str:
    """``word`` in the case of ``like``: upper, capitalised, or as it is."""
    if len(like) > 1 and like.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word
