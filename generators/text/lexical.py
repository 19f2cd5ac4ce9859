"""Phrasal edits without a language model: rules on the parsed sentence, with WordNet and a dictionary of forms.

For people with no key, and as the baseline that an LLM has to beat. Spans, gates, filters and records are those of the
other text generators; only the proposer differs.

Who vouches for a label. A rule knows how the new sentence relates to the old one (:data:`Relation`). Where that
relation follows from form alone and decides the label of an NLI pair, the label is true by ``construction``:

================== ============================================ =============== ============================
edited             the new sentence                             label           stays or becomes
================== ============================================ =============== ============================
hypothesis         contradicts the old one                      entailment      contradiction
hypothesis         is entailed by the old one, or says the same entailment      entailment
hypothesis         contradicts the old one, or says the same    neutral         neutral
hypothesis         entails the old one, or says the same        contradiction   contradiction
premise            entails the old one, or says the same        entailment      entailment
premise            entails the old one, or says the same        contradiction   contradiction
premise            says the same                                neutral         neutral
================== ============================================ =============== ============================

given that the unit's own label is right. Everything else is only asserted, and ``llm`` is the record's word for that
(the weakest witness; no model was asked): use a teacher filter, which raises the pairs it confirms to ``teacher``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import pyarrow as pa

from contrafact.errors import RecipeError, did_you_mean
from contrafact.stages import Context
from generators.text.base import TextGenerator, Unit
from generators.text.controls import Spec
from generators.text.edits import Edit
from generators.text.inflection import check_inflection
from generators.text.parsing import LONGEST, PARSER, parse
from generators.text.rules import RULES, Change, Setting
from generators.text.wordnet import FOLDER, open_wordnet

__all__ = ["LexicalGenerator"]

_CERTAIN = {
    ("hypothesis", "entailment"): {"contradicts": "contradiction", "entailed": "entailment", "same": "entailment"},
    ("hypothesis", "neutral"): {"contradicts": "neutral", "same": "neutral"},
    ("hypothesis", "contradiction"): {"stronger": "contradiction", "same": "contradiction"},
    ("premise", "entailment"): {"stronger": "entailment", "same": "entailment"},
    ("premise", "contradiction"): {"stronger": "contradiction", "same": "contradiction"},
    ("premise", "neutral"): {"same": "neutral"},
}

# What a change may well do, and no form guarantees: by the label that a pair has and the one that it is to get.
_ASSERTED = {
    ("entailment", "contradiction"): ("contradicts",),
    ("entailment", "neutral"): ("differs", "stronger"),
    ("contradiction", "entailment"): ("contradicts",),
    ("contradiction", "neutral"): ("differs", "entailed"),
}


class LexicalGenerator(TextGenerator):
    """Edits a sentence by rule: antonyms, negation, quantifiers, tense, names, roles, modifiers and more.

    Parameters
    ----------
    rules : list of str, optional
        Names of rules (:data:`generators.text.rules.RULES`); all usual ones by default.
    wordnet : str
        Folder of WordNet's files.
    task, target, per_unit, corpus, gates, parser, longest, control
        As for every text generator (:class:`~generators.text.base.TextGenerator`).

    Raises
    ------
    RecipeError
        For an unknown rule.
    MissingDependencyError
        Where the parser, WordNet's files or the dictionary of forms are not installed.
    """

    name: ClassVar[str] = "lexical"
    citations: ClassVar[Sequence[str]] = (
        (
            "Wu, Ribeiro, Heer & Weld (2021), Polyjuice: generating counterfactuals for explaining, evaluating, and"
            " improving models, ACL"
        ),
        "Fellbaum (1998), WordNet: an electronic lexical database, MIT Press",
    )
    keeps_interpreter: ClassVar[bool] = True
    default_gates: ClassVar[tuple[str, ...]] = ("unchanged", "blank", "residue", "sentence_copy")

    def __init__(
        self,
        task: dict[str, Any],
        target: str = "another",
        rules: list[str] | None = None,
        per_unit: int = 1,
        corpus: str | None = None,
        gates: list[str] | None = None,
        parser: str = PARSER,
        longest: int = LONGEST,
        wordnet: str = FOLDER,
        control: Spec = None,
    ) -> None:
        super().__init__(task, target, per_unit, corpus, gates, parser, longest, control)
        for rule in rules or ():
            if rule not in RULES:
                raise RecipeError(f"no rule is called {rule!r}{did_you_mean(rule, RULES)}", allowed=", ".join(RULES))
        self.rules = tuple(RULES[name] for name in rules) if rules else tuple(r for r in RULES.values() if r.usual)
        self.wordnet = open_wordnet(wordnet)
        check_inflection()

    def propose(self, units: list[Unit], context: Context) -> list[list[Edit]]:
        docs = parse([unit.texts[self.text_task.edited] for unit in units], self.parser)
        return [self._drawn(unit, doc, context) for unit, doc in zip(units, docs, strict=True)]

    def questions(self, units: pa.Table, context: Context) -> tuple[()] | None:
        return None if self.asks_for_controls else ()  # rules ask nobody

    def vouched(self, unit: Unit, edit: Edit) -> str:
        return "construction" if edit.scores.get("certain") else self.label_source

    def identity(self) -> Any:
        return [super().identity(), self.wordnet.identity()]

    def notes(self) -> Sequence[str]:
        asserted = (
            "labels of edits by rule are only asserted (label source llm, though no model was asked) unless the rule's"
            " form makes them true (construction) or a teacher confirms them (teacher)"
        )
        return [*super().notes(), asserted]

    def _drawn(self, unit: Unit, doc: Any, context: Context) -> list[Edit]:
        """At most ``per_unit`` edits: rules in an order drawn for the unit, in turns, one place of each at a time."""
        draw = context.streams.generator("lexical", unit.unit_id, unit.target)
        waiting = [list(self._edits(unit, doc, rule, context)) for rule in self.rules]
        for edits in waiting:
            draw.shuffle(edits)
        order = draw.permutation(len(waiting))
        turns = max((len(edits) for edits in waiting), default=0)
        drawn = [waiting[place][turn] for turn in range(turns) for place in order if turn < len(waiting[place])]
        return drawn[: self.per_unit]

    def _edits(self, unit: Unit, doc: Any, rule: Any, context: Context) -> Iterator[Edit]:
        draw = context.streams.generator("lexical", rule.name, unit.unit_id)
        text = unit.texts[self.text_task.edited]
        for change in rule.apply(Setting(doc, self.wordnet, draw)):
            if self._aims_at(unit, change):
                before = text[change.start : change.stop]
                certain = {"certain": float(self._is_certain(unit, change))}
                yield Edit(
                    self.text_task.edited, change.start, change.stop, before, change.after, rule.name, change.kind,
                    scores=certain,
                )  # fmt: skip

    def _aims_at(self, unit: Unit, change: Change) -> bool:
        """Whether a change may bring about the unit's target."""
        if self.task != "nli" or not {unit.label, unit.target} <= {"entailment", "neutral", "contradiction"}:
            return (change.relation == "contradicts") == (unit.target != unit.label)
        known = self._certain_labels(unit).get(change.relation)
        if known is not None:
            return known == unit.target
        return change.relation in _ASSERTED.get((unit.label, unit.target), ())

    def _is_certain(self, unit: Unit, change: Change) -> bool:
        return change.certain and self._certain_labels(unit).get(change.relation) == unit.target

    def _certain_labels(self, unit: Unit) -> dict[str, str]:
        if self.task != "nli":
            return {}
        edited = "premise" if self.text_task.edited == self.text_task.fields[0] else "hypothesis"
        return _CERTAIN.get((edited, unit.label), {})
