"""Single words exchanged by what WordNet knows of them: antonyms, hypernyms, and what shares a hypernym."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from generators.text.inflection import inflected
from generators.text.rules.change import Change, Setting, picked, replaced, wordlike
from generators.text.rules.evaluative import OPPOSITES
from generators.text.words import listed

if TYPE_CHECKING:
    from spacy.tokens import Token

    from generators.text.wordnet import WordNet

__all__ = ["CONCRETE", "antonym", "cohyponym", "hypernym", "is_compound", "noun_sense"]

CONCRETE = {5: "animal", 6: "artefact", 13: "food", 18: "person", 20: "plant"}
"""Lexicographer files whose nouns can be seen and named by a more general one."""

_PARTS = {
    "JJ": "a",
    "RB": "r",
    "NN": "n",
    "NNS": "n",
    "VB": "v",
    "VBZ": "v",
    "VBP": "v",
    "VBD": "v",
    "VBG": "v",
    "VBN": "v",
}
_DESCRIBING = ("amod", "acomp", "attr", "oprd", "conj", "ROOT")
_FUNCTION = listed(
    """be have do get make go come take give let use know say tell see keep put seem become want need try find think
    last first next same other own such only more most many much few little less right left well back up down out there
    here now then ever even still very just not man woman boy girl day night way one thing time more so too on off in
    cool native sweet sick mean cold warm live present open light dark straight sure fine real true false fresh dry
    poor rich local national international emotional absolute
    most forward home about around away off long far high full able likely free old hard close can will may"""
)
_GENERAL = listed(
    """person
    entity object artifact organism being whole unit thing instrumentality instrument device equipment commodity
    covering structure construction creation product implement substance matter relative adult male female unfortunate
    domestic_animal ungulate vertebrate mammal carnivore placental chordate invertebrate peer equal worker user
    consumer owner intellectual adjudicator communicator expert creator capitalist leader nonworker debaser
    wrongdoer unperson traveler contestant entertainer perceiver ware way module mechanism system conveyance container
    surface fabric article facility area support component toiletry furnishing medium enclosure body consumer_goods
    nutriment foodstuff foodstuffs nourishment course produce merchandise signal
    issue piece representation"""
)
_AMBIGUOUS = listed(
    """service phone case cell page line set stock ticket bag gate plane card call app site post game line
    guy people customer person member agent fan user friend driver passenger crew staff team kid child parent everybody
    tablet side seat flight screen bill key charge cover stage record track"""
)


def antonym(setting: Setting) -> Iterator[Change]:
    """``a hot meal`` becomes ``a cold meal``: the direct antonym of the word's usual sense, in the same form."""
    for token in setting.doc:
        part = _PARTS.get(token.tag_)
        lemma = token.lemma_.lower()
        if part is None or not wordlike(token) or lemma in _FUNCTION or is_compound(token, setting.wordnet):
            continue
        plain = _is_plain_verb(token) if part == "v" else token.dep_ in _DESCRIBING
        if "?" in token.sent.text or not plain:
            continue
        opposites = OPPOSITES.get((lemma, part)) or _known(setting.wordnet, lemma, part)
        if opposites:
            form = inflected(picked(setting.draw, opposites), token.tag_)
            if form is not None:
                yield replaced(token, form, "contradicts")


def _is_plain_verb(token: Token) -> bool:
    """Whether a verb stands for itself: with a subject or an object of its own, and without a particle."""
    bound = token.dep_ in ("aux", "auxpass", "amod", "prep") or any(
        each.dep_ in ("prt", "neg") for each in token.children
    )
    bound |= any(each.lower_ in ("would", "'d", "d", "’d") for each in token.children)  # noqa: RUF001  # would like to
    participle = token.tag_ == "VBN" and not any(each.dep_ in ("aux", "auxpass") for each in token.children)
    return not (bound or participle) and any(each.dep_ in ("nsubj", "nsubjpass", "dobj") for each in token.children)


def _known(wordnet: WordNet, lemma: str, part: str) -> list[str]:
    """Antonyms that are words in use themselves, of a word that is mostly used in that sense."""
    if part in ("n", "r") or (part == "v" and wordnet.dominance(lemma, part) < 0.5):
        return []
    return [word for word in wordnet.antonyms(lemma, part) if wordnet.count(word, part) > 0]


def hypernym(setting: Setting) -> Iterator[Change]:
    """``a dog`` becomes ``an animal``: the next more general word whose own usual sense is that one."""
    for token, lemma, offset in _nouns(setting):
        sense = setting.wordnet.synset("n", offset)
        broader = [word for each in sense.hypernyms for word in _usual(setting.wordnet, each, 1)]
        broader = [word for word in broader if word not in (lemma, *_GENERAL)]
        form = inflected(broader[0], token.tag_) if broader else None
        if form is not None:
            yield replaced(token, form, "entailed")


def cohyponym(setting: Setting) -> Iterator[Change]:
    """``a dog`` becomes ``a wolf``: another word right under the same hypernym."""
    wordnet = setting.wordnet
    for token, lemma, offset in _nouns(setting):
        above = wordnet.synset("n", offset).hypernyms[:1]
        beside = [each for up in above for each in wordnet.synset("n", up).hyponyms if each != offset]
        names = {word for each in beside for word in _usual(wordnet, each, 4)[:1]}
        names -= {lemma, *_FUNCTION, *_AMBIGUOUS, *wordnet.synset("n", offset).words}
        if names:
            form = inflected(picked(setting.draw, sorted(names)), token.tag_)
            if form is not None:
                stated = token.tag_ == "NN" and "?" not in token.sent.text
                yield replaced(token, form, "contradicts" if stated else "differs")


def noun_sense(token: Token, wordnet: WordNet) -> int | None:
    """Offset of the sense that a noun nearly always has, where that is a concrete one; None where it is not clear."""
    lemma = token.lemma_.lower()
    senses = wordnet.senses(lemma, "n")
    if token.tag_ not in ("NN", "NNS") or token.pos_ != "NOUN" or not senses or wordnet.dominance(lemma, "n") < 0.7:
        return None
    sense = wordnet.synset("n", senses[0])
    return senses[0] if sense.topic in CONCRETE and not sense.proper else None


def is_compound(token: Token, wordnet: WordNet) -> bool:
    """Whether the word is part of an expression of its own: ``hot dog``, ``customer service``, ``a lot of``."""
    if token.dep_ == "compound" or any(child.dep_ == "compound" for child in token.children):
        return True
    for first, second in ((token.i - 1, token.i), (token.i, token.i + 1)):
        if first >= 0 and second < len(token.doc):
            pair = "_".join(token.doc[place].lemma_.lower() for place in (first, second))
            if any(wordnet.senses(pair, part) for part in "nvar"):
                return True
    following = token.nbor().lower_ if token.i + 1 < len(token.doc) else ""
    return token.pos_ == "NOUN" and following == "of"


def _nouns(setting: Setting) -> Iterator[tuple[Token, str, int]]:
    for token in setting.doc:
        lemma = token.lemma_.lower()
        if lemma in _AMBIGUOUS or lemma in _FUNCTION or not wordlike(token) or is_compound(token, setting.wordnet):
            continue
        # Without a determiner a singular noun is a mass, and what stands for it would have to be one too.
        bare = token.tag_ == "NN" and not any(each.dep_ in ("det", "poss") for each in token.lefts)
        offset = None if bare or token.dep_ in ("amod", "npadvmod") else noun_sense(token, setting.wordnet)
        if offset is not None:
            yield token, lemma, offset


def _usual(wordnet: WordNet, offset: int, least: int) -> list[str]:
    """Single words of a sense whose most usual sense it is, and that were seen in it at least so often; no names."""
    sense = wordnet.synset("n", offset)
    return [
        word
        for word in sense.words
        if not sense.proper
        and word.isalpha()
        and wordnet.senses(word, "n")[:1] == (offset,)
        and wordnet.count(word, "n") >= least
    ]
