"""Texts by a language model: the same concepts and grounding that the grammar gets, and its words as examples.

By ``text``, the model is told the style, the persona and a statement of every concept, in the order of the unit's
template, and writes the whole. By ``sentence``, it says one statement after another in other words, and the template
holds them together: that is within the reach of a small model, asks each question once for all units that share it, and
keeps the sentences of concepts that did not move the same bytes.

It is asked at temperature 0 with a fixed seed, so that the same values give the same request, and a null intervention
the same text out of the cache. What it wrote is then read by the setting's patterns like any other text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from contrafact.engines.llm import LLM, Message, Reply, Request, Sampling
from generators.text.pieces import filled
from generators.text.structural.grounding import Grounding
from generators.text.structural.setting import Setting

__all__ = ["By", "Example", "Mode", "Writer", "Written"]

By = Literal["text", "sentence"]
Mode = Literal["completion", "chat"]
Example = tuple[Mapping[str, str], Grounding]
"""Values and grounding of a unit whose text, by the grammar, shows what is wanted."""

_END = "###"
_PENALTY = 0.3  # without it a small model, asked at temperature 0, says one sentence for ever
_SENTENCE_TOKENS = 48
_REPHRASE = "Say each sentence in other words. The meaning, and every name and number, must stay the same."


@dataclass(frozen=True)
class Written:
    """A text, or why there is none, and what was paid for it."""

    text: str | None
    failure: str = ""
    request_ids: tuple[str, ...] = ()
    cost: float = 0.0


@dataclass(frozen=True)
class Writer:
    """Writes the texts of units.

    Parameters
    ----------
    by : str
        What is asked for at a time: a whole ``text``, or a ``sentence``.
    mode : str
        ``completion`` (examples and an open end, which small models can follow) or ``chat``.
    shots : int
        Examples, which the grammar writes.
    max_tokens : int
        Of one text; a longer one is cut off, and a reject.
    """

    setting: Setting
    by: By
    mode: Mode
    shots: int
    max_tokens: int

    def requests(
        self, values: Mapping[str, str], grounding: Grounding, others: Sequence[Example], seed: int
    ) -> tuple[Request, ...]:
        """The questions for one text."""
        if self.by == "sentence":
            return tuple(self._rephrase(name, values, grounding) for name in self._sayable(values, grounding))
        examples = [(self._facts(*each), self.setting.realise(*each)) for each in others]
        facts, order = self._facts(values, grounding), self._order(grounding)
        return (self._asked(order, examples, facts, ("Facts:\n", "Text:\n"), self.max_tokens, seed),)

    def write(self, llm: LLM, questions: Sequence[Sequence[Request]], units: Sequence[Example]) -> list[Written]:
        """One text for each unit's questions; what is asked twice is asked once."""
        every = dict.fromkeys(request for each in questions for request in each)
        replies = dict(zip(every, llm.ask(list(every)) if every else [], strict=True))
        return [
            self._written(values, grounding, [replies[request] for request in each])
            for each, (values, grounding) in zip(questions, units, strict=True)
        ]

    def examples(
        self, values: Sequence[Mapping[str, str]], groundings: Sequence[Grounding], places: Sequence[int], style: str
    ) -> list[Example]:
        """Units at ``places`` as examples in a style, each with a template of that style."""
        templates = self.setting.choices.templates[style]
        return [
            (values[place], replace(groundings[place], style=style, template=groundings[place].template % templates))
            for place in places
        ]

    def _written(self, values: Mapping[str, str], grounding: Grounding, replies: Sequence[Reply]) -> Written:
        ids = tuple(dict.fromkeys(reply.key for reply in replies))
        cost = sum(reply.usage.cost or 0.0 for reply in replies)
        failure = next(filter(None, map(_failure, replies)), "")
        if failure:
            return Written(None, failure, ids, cost)
        texts = [(reply.text or "").strip() for reply in replies]
        if self.by == "text":
            return Written(texts[0], "", ids, cost)
        said = dict(zip(self._sayable(values, grounding), texts, strict=True))
        whole = filled(
            self.setting.template(grounding),
            self.setting.slots(grounding),
            lambda name: said.get(name) or self.setting.statement(name, values[name], grounding),
        )
        return Written(whole, "", ids, cost)

    def _sayable(self, values: Mapping[str, str], grounding: Grounding) -> list[str]:
        """Concepts whose statements are sentences: a name, say, has no other words."""
        said = {name: self.setting.statement(name, values[name], grounding) for name in self.setting.told(grounding)}
        return [name for name, text in said.items() if text[-1:] in ".!?"]

    def _rephrase(self, name: str, values: Mapping[str, str], grounding: Grounding) -> Request:
        examples = list(self._rephrased(name, values, grounding))[: self.shots]
        sentence = self.setting.statement(name, values[name], grounding)
        return self._asked(_REPHRASE, examples, sentence, ("Sentence: ", "Other words: "), _SENTENCE_TOKENS, 0)

    def _rephrased(self, name: str, values: Mapping[str, str], grounding: Grounding) -> Iterator[tuple[str, str]]:
        """Statements of one concept in one wording and the next, its own value last and without the wording asked for.

        Of the concept itself, so that one question serves every unit that has this value, whatever else it has.
        """
        concept, own = self.setting.concepts[name], grounding.wording[name]
        known = [value for value in concept.patterns if value] or [values[name]]
        for value in sorted(known, key=lambda each: each == values[name]):
            for first in range(concept.count):
                second = (first + 1) % concept.count
                if value != values[name] or own not in (first, second):
                    said = (replace(grounding, wording={**grounding.wording, name: each}) for each in (first, second))
                    one, other = (self.setting.statement(name, value, each) for each in said)
                    yield one, other

    def _asked(
        self,
        order: str,
        examples: Sequence[tuple[str, str]],
        asked: str,
        heads: tuple[str, str],
        max_tokens: int,
        seed: int,
    ) -> Request:
        stop = ("\n",) if self.by == "sentence" else (_END,)
        end = "\n" if self.by == "sentence" else f"\n{_END}\n"
        sampling = Sampling(0.0, max_tokens=max_tokens, stop=stop, seed=seed, frequency_penalty=_PENALTY)
        if self.mode == "completion":
            shown = "".join(f"{heads[0]}{one}\n{heads[1]}{other}{end}" for one, other in examples)
            return Request(prompt=f"{order}\n\n{shown}{heads[0]}{asked}\n{heads[1].rstrip(' ')}", sampling=sampling)
        turns = [Message("system", order)]
        for one, other in examples:
            turns += [Message("user", one), Message("assistant", other)]
        return Request(messages=(*turns, Message("user", asked)), sampling=sampling)

    def _order(self, grounding: Grounding) -> str:
        about = self.setting.styles[grounding.style].about
        return (
            f"Write {about} from the facts. Tell every fact once, in your own words, and nothing that contradicts one."
        )

    def _facts(self, values: Mapping[str, str], grounding: Grounding) -> str:
        """The persona in one line, and a statement of each concept in the order of the unit's template.

        Statements are in the wording after the unit's own, so that the examples show the same in other words.
        """
        counts = self.setting.choices.wordings
        next_to = replace(
            grounding, wording={name: (index + 1) % counts[name] for name, index in grounding.wording.items()}
        )
        about = "; ".join(f"{slot}: {text}" for slot, text in self.setting.slots(grounding).items())
        lines = [self.setting.statement(name, values[name], next_to) for name in self.setting.told(grounding)]
        return "\n".join(f"- {line}" for line in ([about] if about else []) + lines)


def _failure(reply: Reply) -> str:
    if reply.text is None:
        return f"no answer: {reply.failure}"
    if reply.finish == "length":
        return "the text was cut off"
    if not reply.text.strip():
        return "the text is empty"
    return "the text holds a NUL byte" if "\x00" in reply.text else ""
