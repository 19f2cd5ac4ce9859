"""One question a row: with its answer to learn (SFT), or with what checks an answer (RLVR)."""

from __future__ import annotations

from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from contrafact.exports.forms import EXACT
from contrafact.exports.members import filled, members_of
from contrafact.exports.views.base import Dataset, Options, View, prompt_of, template_of
from contrafact.exports.views.conversing import spoken, with_identifiers

__all__ = ["RLVR", "SFT"]


class _Asked(View):
    """What both views share: which members are asked about, and in which words."""

    options: ClassVar[frozenset[str]] = frozenset({"prompt", "response", "chat", "ids"})

    def __init__(self, dataset: Dataset, options: Options) -> None:
        super().__init__(dataset, options)
        self.prompt = prompt_of(self, dataset.form.prompt)
        self.response = template_of(self, options.response, self._default(), "response", "what answers is not known")
        if dataset.levels is None and "label" in self.response.fields and not options.response:
            raise self.refuse("its labels are no classes, so that no answer is the right one", "give --response")

    def _default(self) -> str:
        return self.dataset.form.response

    def told(self) -> dict[str, Any]:
        return {"prompt": self.prompt.text, "response": self.response.text}

    def _members(self, pairs: pa.Table) -> pa.Table:
        members = members_of(pairs)
        labelled = members["label"].is_valid()
        self.leave_out("members without a label", members.num_rows - int(pc.sum(labelled).as_py() or 0))
        members = members.filter(labelled)
        if self.dataset.form.counterfactual_only:
            asked = pc.not_equal(members["role"], "factual")
            self.leave_out("facts, which their question tells already", members.num_rows - (pc.sum(asked).as_py() or 0))
            members = members.filter(asked)
        return members


class SFT(_Asked):
    """A prompt and its completion, for supervised fine-tuning: each member by itself, controls too."""

    name: ClassVar[str] = "sft"
    rows_are: ClassVar[str] = "a prompt and its completion"
    library: ClassVar[str] = "TRL: SFTTrainer"

    def rows(self, pairs: pa.Table) -> pa.Table:
        members = self._members(pairs)
        columns = {
            "prompt": spoken(filled(self.prompt, members), "user", chat=self.settings.chat),
            "completion": spoken(filled(self.response, members), "assistant", chat=self.settings.chat),
        }
        return with_identifiers(self, columns, members, default=True)


class RLVR(_Asked):
    """A question, the import path of what verifies an answer, and the reference it verifies against.

    Only labels that something computed or a template makes true can be verified: what a teacher or a language model
    said is no truth to be rewarded for.
    """

    name: ClassVar[str] = "rlvr"
    rows_are: ClassVar[str] = "a question, its verifier and the reference"
    library: ClassVar[str] = "TRL: GRPOTrainer, with contrafact.exports.reward"

    def __init__(self, dataset: Dataset, options: Options) -> None:
        super().__init__(dataset, options)
        self.verifier = EXACT if options.response else dataset.form.verifier
        weak = [name for name in dataset.manifest["label_sources"] if name not in _VERIFIED]
        if weak and not set(dataset.manifest["label_sources"]) & set(_VERIFIED):
            raise self.refuse(
                f"its labels are those of {' and '.join(weak)}, and no truth to verify against",
                "export it as sft or preference, or build with a generator whose labels are computed",
            )

    def _default(self) -> str:
        return self.dataset.form.reference or self.dataset.form.response

    def told(self) -> dict[str, Any]:
        return {"question": self.prompt.text, "reference": self.response.text, "verifier": self.verifier}

    def rows(self, pairs: pa.Table) -> pa.Table:
        members = self._members(pairs)
        sure = pc.is_in(members["label_source"], pa.array(_VERIFIED))
        self.leave_out("members whose label nothing verifies", members.num_rows - int(pc.sum(sure).as_py() or 0))
        members = members.filter(sure)
        columns = {
            "question": spoken(filled(self.prompt, members), "user", chat=self.settings.chat),
            "verifier": pa.array([self.verifier] * members.num_rows, pa.string()),
            "reference": pa.array(filled(self.response, members), pa.string()),
        }
        return with_identifiers(self, columns, members, default=True)


_VERIFIED = ("oracle", "construction")
