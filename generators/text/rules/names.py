"""Names exchanged for others of the same kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from generators.text.inflection import cased
from generators.text.rules.change import Change, Setting, picked

if TYPE_CHECKING:
    from spacy.tokens import Token

__all__ = ["entity"]

# Kinds are kept narrow, so that pronouns, prepositions and articles around a name still fit.
_CITIES = """Paris London Berlin Madrid Rome Vienna Tokyo Chicago Boston Seattle Toronto Sydney Dublin Amsterdam Denver
    Dallas Houston Miami Atlanta Philadelphia Lisbon Oslo Moscow Beijing Cairo"""
_COUNTRIES = """France Spain Italy Germany Japan Canada Brazil India China Russia Mexico Australia Ireland Norway Sweden
    Poland Greece Egypt Kenya Peru Chile Iran Iraq Israel"""
_MEN = """James John Robert Michael William David Thomas Charles Daniel Matthew Anthony Steven Paul Andrew Kevin Brian
    George Peter Tom Steve Mike"""
_WOMEN = """Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen Nancy Lisa Margaret Emily Anna
    Laura Julia Helen Alice Emma"""
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
_MONTHS = "January February April June July August September October November December"
_MAKERS = "Google Apple Microsoft Amazon Facebook Samsung Sony Toyota Honda Ford Nissan BMW"
_KINDS = (_CITIES, _COUNTRIES, _MEN, _WOMEN, _DAYS, _MONTHS, _MAKERS)
_BESIDE = {name: kind.split() for kind in _KINDS for name in kind.split()}


def entity(setting: Setting) -> Iterator[Change]:
    """``in Paris`` becomes ``in Rome``, ``on Monday`` ``on Friday``: a name by itself, of a kind that we know."""
    text = setting.doc.text
    for token in setting.doc:
        others = _BESIDE.get(token.text)
        if others is None or token.tag_ != "NNP" or token.dep_ in ("compound", "appos", "nmod"):
            continue
        before = text[token.idx - 1] if token.idx else " "
        after = text[token.idx + len(token) : token.idx + len(token) + 1]
        if not (before.isspace() or before in "(\"'") or after in ("-", "_", "/", "@"):
            continue
        if any(child.dep_ in ("compound", "nummod", "flat", "det", "amod") for child in token.children) or _in_a_row(
            token
        ):
            continue
        name = picked(setting.draw, [other for other in others if other != token.text])
        yield Change(
            token.idx, token.idx + len(token), cased(name, token.text) if token.is_upper else name, "differs", "NP"
        )


def _in_a_row(token: Token) -> bool:
    """Whether another capitalised name or a number stands beside it: ``Paris Hilton``, ``Apple Watch``, ``June 5``."""
    place, doc = token.i, token.doc
    beside = [doc[each] for each in (place - 1, place + 1) if 0 <= each < len(doc)]
    return any(each.tag_ in ("NNP", "NNPS", "CD") for each in beside)
