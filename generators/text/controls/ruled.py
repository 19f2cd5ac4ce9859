"""Controls by rule: no model, no key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from contrafact.engines import Engines
from contrafact.stages import Context
from contrafact.wording import tokens
from generators.text.controls.change import Control, Rewrite, Target
from generators.text.controls.choosing import choose, size_of
from generators.text.controls.clauses import comma, fronted, that
from generators.text.controls.contractions import contract, expand
from generators.text.controls.marks import apostrophe, numeral, quotes, stop
from generators.text.controls.openings import closing, opening
from generators.text.controls.synonyms import spelling, synonym, wordnet_synonym
from generators.text.controls.usage import hyphen, purpose, relative, shortened, turn
from generators.text.edits import Edit, Failed
from generators.text.inflection import check_inflection
from generators.text.parsing import PARSER, check_parser, parse
from generators.text.rules import RULES, Setting
from generators.text.wordnet import FOLDER, open_wordnet

__all__ = ["RuleControls"]

_BY_FORM = (
    contract, expand, that, relative, comma, fronted, spelling, shortened, turn, purpose, hyphen, numeral, quotes,
    apostrophe, stop, opening, closing,
)  # fmt: skip
_BY_MEANING = (synonym, wordnet_synonym)
_REORDERED = ("conjuncts", "restructure")
_TOUCHING = 6.0
_DRAWN = 0.4


class RuleControls:
    """Paraphrases a text by small rewrites whose sizes add up to that of the target edit.

    Parameters
    ----------
    parser, wordnet : str
        As for the lexical generator.
    tolerance : float
        Percentage points by which a control's share of changed words may be above its target's.

    Raises
    ------
    MissingDependencyError
        Where the parser, WordNet's files or the dictionary of forms are not installed.

    Attributes
    ----------
    note : str
        What a reader of the dataset must know of them.
    """

    note: ClassVar[str] = (
        "controls are paraphrases by rule; those of which form alone does not guarantee the meaning are only asserted"
        " (label source llm, though no model was asked), and those that move a mark or an apostrophe are a weaker"
        " placebo than an exchanged word"
    )

    def __init__(self, parser: str = PARSER, wordnet: str = FOLDER, tolerance: float = 0.5) -> None:
        check_parser(parser)
        check_inflection()
        self.parser, self.tolerance = parser, tolerance
        self.wordnet = open_wordnet(wordnet)

    def borrow(self, engines: Engines, name: str) -> None:
        """Rules borrow nothing."""

    def make(self, targets: Sequence[Target], context: Context) -> list[Control | Failed]:
        """A control for each target, in order. What is drawn is drawn by pair."""
        docs = parse([each.text for each in targets], self.parser)
        return [self._control(each, doc, context) for each, doc in zip(targets, docs, strict=True)]

    def _control(self, target: Target, doc: Any, context: Context) -> Control | Failed:
        draw = context.streams.generator("control", target.pair_id)
        rewrites = [each for each in self._rewrites(doc, draw) if not _is_held(target, each)]
        noise = draw.random(len(rewrites)) * _DRAWN
        odd = [each.odd + float(some) + _TOUCHING * _touches(target, each)
               for each, some in zip(rewrites, noise, strict=True)]  # fmt: skip
        chosen = choose(target, rewrites, odd, target.most(self.tolerance))
        if not chosen:
            return Failed("no rule applies to the text")
        edits = tuple(
            Edit(target.field, each.start, each.stop, target.text[each.start : each.stop], each.after, each.operation)
            for each in chosen
        )
        return Control(edits, size_of(target.text, chosen), all(each.certain for each in chosen))

    def _rewrites(self, doc: Any, draw: Any) -> list[Rewrite]:
        found = [each for rule in _BY_FORM for each in rule(doc)]
        found += [each for rule in _BY_MEANING for each in rule(doc, self.wordnet)]
        setting = Setting(doc, self.wordnet, draw)
        for name in _REORDERED:
            found += [Rewrite(each.start, each.stop, each.after, name, each.certain, 0.8)
                      for each in RULES[name].apply(setting)]  # fmt: skip
        return found


def _is_held(target: Target, rewrite: Rewrite) -> bool:
    """Whether a rewrite would take out or put in a word that the target edit is about."""
    before = set(map(str.lower, tokens(target.text[rewrite.start : rewrite.stop])))
    after = set(map(str.lower, tokens(rewrite.after)))
    return bool((before ^ after) & target.held)


def _touches(target: Target, rewrite: Rewrite) -> bool:
    return any(rewrite.start <= stop and start <= rewrite.stop for start, stop in target.touched)
