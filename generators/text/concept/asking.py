"""Rewriting units: who is asked what, and the candidates that come of the answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines.llm import Request
from contrafact.stages import Context
from generators.text.concept.concepts import Texts, read_codes
from generators.text.concept.records import LLM_SCORES, members, reject, row, stretch
from generators.text.concept.rewrites import changed_share
from generators.text.concept.rewriting import Asked, Rewriter, Rewritten
from generators.text.concept.setting import Setting

__all__ = ["Asker"]

Codes = NDArray[np.int64]


class Asker:
    """Has a language model write each unit again, and reads the concepts of what it wrote."""

    scores = LLM_SCORES

    def __init__(self, setting: Setting, rewriter: Rewriter) -> None:
        self.setting, self.rewriter = setting, rewriter
        self.needs = ("llm", "embedder") if rewriter.asking.shots else ("llm",)

    def identity(self) -> Any:
        """Changes with the examples that are shown."""
        return self.rewriter.examples.identity()

    def note(self) -> str:
        """What a reader of the dataset must know."""
        held = ", ".join(self.setting.held_names) or "nothing"
        unread = ", ".join(each.name for each in self.setting.concepts if each.reader is None) or "nothing"
        return (
            f"a language model was asked to change {self.setting.changed.name} and to hold {held}; what nobody could"
            f" read from its answer, and is empty there: {unread}"
        )

    def questions(self, units: pa.Table, context: Context) -> list[Request]:
        """All that :meth:`rows` would ask."""
        texts = self.setting.read(units, context.engines)
        asked = [each[2] for each in self._asked(texts, context) if isinstance(each, tuple)]
        found = self.rewriter.requests(asked, self.setting.k, context)
        return [request for of_text in found for _, request in of_text]

    def rows(self, units: pa.Table, context: Context) -> Iterator[dict[str, Any]]:
        """Candidates of the units of one shard."""
        setting, texts = self.setting, self.setting.read(units, context.engines)
        steps = list(self._asked(texts, context))
        found = self.rewriter.requests([each[2] for each in steps if isinstance(each, tuple)], setting.k, context)
        requests = [request for of_text in found for _, request in of_text]
        replies = iter(context.engines.llm.ask(requests) if requests else ())
        answers = [[self.rewriter.answered(question, next(replies)) for question, _ in each] for each in found]
        said = list(dict.fromkeys(each.text for of_text in answers for each in of_text if each.text is not None))
        read = dict(zip(said, read_codes(said, setting.concepts, context.engines), strict=True))
        given = iter(answers)
        for step in steps:
            if isinstance(step, tuple):
                yield from self._pairs(texts, step[0], step[1], next(given), read)
            else:
                yield step

    def _asked(self, texts: Texts, context: Context) -> Iterator[dict[str, Any] | tuple[int, int, Asked]]:
        """For each unit a reject, or its row, the code of its target, and what is to be asked."""
        setting = self.setting
        values = setting.changed.values
        for place, error in enumerate(texts.errors):
            unit = _unit(texts, place)
            if error is not None:
                yield reject(unit, f"{setting.name}: {error}")
                continue
            codes = texts.codes[place]
            value = int(codes[setting.change])
            held = [(setting.concepts[at].name, setting.concepts[at].values[codes[at]]) for at in setting.held]
            targets = setting.targets(unit[0], value, context)
            if not targets:
                yield reject(unit, setting.already(), **setting.factual(texts, place))
            for target in targets:
                yield place, target, Asked(unit[0], str(texts.texts[place]), values[value], values[target], held)

    def _pairs(
        self, texts: Texts, place: int, target: int, answers: Sequence[Rewritten], read: Mapping[str, Codes]
    ) -> Iterator[dict[str, Any]]:
        unit, known = _unit(texts, place), self.setting.factual(texts, place)
        seen: set[str] = set()
        for each in answers:
            paid = {"request_ids": list(each.request_ids), "cost": each.cost}
            if each.text is None:
                yield reject(unit, f"{self.setting.name}: {each.reason}", **{**known, **paid})
                continue
            codes = read[each.text]
            reasons = self._faults(target, codes, texts.codes[place])
            if each.text in seen:
                reasons.append(f"{self.setting.name}: the same text was proposed before")
            seen.add(each.text)
            label, witness = self._label(target, codes, annotated=texts.annotated[self.setting.label])
            judged = {"counterfactual_label": label, "label_source": witness, "reasons": reasons}
            yield self._pair(unit, known, target, each.text, codes, **judged, **paid)

    def _faults(self, target: int, codes: Codes, before: Codes) -> list[str]:
        """Why a rewritten text is no counterfactual, by what was read from it."""
        setting, broken = self.setting, self._broken(codes, before)
        faults = []
        if codes[setting.change] not in (-1, target):
            faults.append(f"{setting.name}: {setting.changed.name} does not read {setting.changed.values[target]}")
        if broken and setting.strict:
            faults.append(f"{setting.name}: the rewrite broke {', '.join(broken)}")
        return faults

    def _broken(self, codes: Codes, before: Codes) -> list[str]:
        concepts = self.setting.concepts
        return [concepts[each].name for each in self.setting.held if 0 <= codes[each] != before[each]]

    def _pair(
        self, unit: tuple[str, str], known: Mapping[str, Any], target: int, text: str, codes: Codes, **columns: Any
    ) -> dict[str, Any]:
        setting, factual = self.setting, known["factual"]
        before = np.array([factual[each.name] for each in setting.concepts])
        old, broken = factual[setting.field], self._broken(codes, before)
        read = None if codes[setting.change] < 0 else bool(codes[setting.change] == target)
        return row(
            unit,
            (factual, members(setting.concepts, setting.field, text, codes)),
            (setting.changed, target, "rewrite"),
            setting.held_names,
            {**stretch(old, text), "broken": broken},
            label=known["label"],
            scores={"changed_share": changed_share(old, text), "broken": len(broken), "target_read": read},
            **columns,
        )

    def _label(self, target: int, codes: Codes, *, annotated: bool) -> tuple[int | None, str]:
        """The label of a rewritten text, and who vouches for the pair's: None where nobody says what it is."""
        setting, read = self.setting, int(codes[self.setting.label])
        if read < 0:
            return (target if setting.label == setting.change else None), "llm"
        reader = setting.concepts[setting.label].reader
        if annotated and (reader is None or reader.of_rewrites != "teacher"):
            # What a rule reads is not what people graded: that one became the other is only the model's word.
            return read, "llm"
        return read, setting.witness(annotated, rewritten=True)


def _unit(texts: Texts, place: int) -> tuple[str, str]:
    return texts.ids[place], texts.groups[place] or texts.ids[place]
