"""Words that open or close a statement and add nothing to it: ``Well, ...``, ``..., you know``, ``The thing is that``.

They make up what a paraphrase lacks in size, and are taken only where no real rewording reaches it. None is certain: a
reader may hear a tone in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from generators.text.controls.change import Rewrite

if TYPE_CHECKING:
    from spacy.tokens import Doc, Span

__all__ = ["closing", "opening"]

_OPENINGS = (
    ("And ", 1.6), ("So ", 2.0), ("Well, ", 1.4), ("Indeed, ", 1.7), ("In fact, ", 1.6), ("As it happens, ", 2.2),
    ("The fact is that ", 2.4), ("It is true that ", 2.6), ("What I mean is that ", 3.2),
    ("It has to be said that ", 3.4), ("As a matter of fact, ", 2.2), ("The thing to say is that ", 3.6),
    ("What there is to say is that ", 4.0),
)  # fmt: skip
_CLOSINGS = ((", indeed", 2.4), (", you know", 2.2), (", that is", 2.6), (", as it happens", 2.6))
_FILLING = 4.0  # more than several rewordings together
_SUBJECTS = ("nsubj", "nsubjpass", "expl")


def opening(doc: Doc) -> Iterator[Rewrite]:
    """A few words before the first plain statement."""
    sentence = next((each for each in doc.sents if _is_statement(each)), None)
    if sentence is None:
        return
    first = sentence[0]
    keeps = first.text == "I" or first.pos_ == "PROPN" or (first.is_upper and len(first) > 1)
    word = first.text if keeps else first.text[:1].lower() + first.text[1:]
    small = first.is_lower
    for words, odd in _OPENINGS:
        if sentence.start == doc[0].i and words in ("And ", "So ") and not keeps and not small:
            odd += 0.3  # noqa: PLW2901  # nothing stands before it
        text = words[:1].lower() + words[1:] if small else words
        yield Rewrite(first.idx, first.idx + len(first), text + word, "opening", certain=False, odd=odd + _FILLING)


def closing(doc: Doc) -> Iterator[Rewrite]:
    """A few words after the last statement, before its mark."""
    last = list(doc.sents)[-1:]
    if not last or not _is_statement(last[0]) or "," in last[0].text:
        return
    words = [token for token in last[0] if not token.is_punct and not token.is_space]
    end = words[-1].idx + len(words[-1])
    if doc.text[end:] in ("", ".") and words[-1].is_alpha:
        for text, odd in _CLOSINGS:
            yield Rewrite(end, end, text, "closing", certain=False, odd=odd + _FILLING)


def _is_statement(sentence: Span) -> bool:
    """A finite verb after its subject, which stands first; no question, order, link or interjection."""
    root = sentence.root
    subject = next((child for child in root.lefts if child.dep_ in _SUBJECTS), None)
    if subject is None or subject.left_edge.i != sentence.start or root.pos_ not in ("VERB", "AUX"):
        return False
    finite = next((child for child in root.lefts if child.dep_ in ("aux", "auxpass")), root)
    plain = not any(mark in sentence.text for mark in ('"', "“", "?", "…", ".."))
    return finite.tag_ in ("VBZ", "VBP", "VBD", "MD") and plain and sentence[0].tag_ not in ("WP", "WDT", "WRB", "WP$")
