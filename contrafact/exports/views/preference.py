"""Prompt, chosen and rejected response, for direct preference optimisation and reward models (TRL)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.exports.members import CONTROL, filled, members_of, same_label
from contrafact.exports.views.base import Dataset, Options, View, chosen_label, prompt_of, template_of
from contrafact.exports.views.conversing import spoken, with_identifiers

__all__ = ["Preference"]


class Preference(View):
    """The two members of a pair against each other, in one of two kinds of row.

    Where no label is preferred, each member is asked about, its own answer is chosen and the other member's rejected:
    two rows a pair, and what is right for one is wrong for the other. Where a label is (``--chosen safe``, and by
    default for code that has a right and a wrong side), the member with it is the chosen response and the other member
    the rejected one: one row a pair.

    A pair whose labels agree tells no preference.
    """

    name: ClassVar[str] = "preference"
    options: ClassVar[frozenset[str]] = frozenset({"prompt", "response", "chosen", "chat", "ids"})
    rows_are: ClassVar[str] = "a prompt with a chosen and a rejected response"
    library: ClassVar[str] = "TRL: DPOTrainer, RewardTrainer"

    def __init__(self, dataset: Dataset, options: Options) -> None:
        super().__init__(dataset, options)
        self.chosen = chosen_label(self)
        form = dataset.form
        if self.chosen:
            wanted = form.wanted if form.preferred == self.chosen else ""
            self.prompt = prompt_of(self, wanted, f"what asks for {self.chosen} is not known")
            self.response = template_of(self, options.response, form.content, "response", "what answers is not known")
        else:
            self.prompt = prompt_of(self, form.prompt)
            self.response = template_of(self, options.response, form.response, "response", "what answers is not known")
            if dataset.levels is None and "label" in self.response.fields:
                raise self.refuse("its labels are no classes, so that no answer is the right one", "give --response")

    def told(self) -> dict[str, Any]:
        return {"prompt": self.prompt.text, "response": self.response.text, "chosen": self.chosen or None}

    def rows(self, pairs: pa.Table) -> pa.Table:
        members = members_of(pairs)
        members = members.filter(pa.array(self._wanted(members)))
        prompt, own = (filled(each, members) for each in (self.prompt, self.response))
        mirrored = _mirrored(members)
        other = filled(self.response, mirrored)
        told = np.array([one != another for one, another in zip(own, other, strict=True)], dtype=bool)
        self.leave_out("rows whose responses are the same", int((~told).sum()))
        if not self.chosen:
            # Two rows of one prompt would prefer either answer to the other.
            asked = filled(self.prompt, mirrored)
            alike = np.array([one == another for one, another in zip(prompt, asked, strict=True)], dtype=bool)
            self.leave_out("members that are asked about in the same words", int((told & alike).sum()))
            told &= ~alike
        chat = self.settings.chat
        columns = {
            "prompt": spoken(prompt, "user", chat=chat),
            "chosen": spoken(own, "assistant", chat=chat),
            "rejected": spoken(other, "assistant", chat=chat),
        }
        return with_identifiers(self, columns, members, default=True).filter(pa.array(told))

    def _wanted(self, members: pa.Table) -> NDArray[np.bool_]:
        """Members that are a chosen response, or are asked about."""
        role = members["role"].to_numpy()
        same, control = same_label(members), role == CONTROL
        self.leave_out("controls: both answers are the same", int(control.sum()))
        differ = ~control & ~same
        self.leave_out("members whose pair has one label on both sides", int((~control & same).sum()))
        levels = self.dataset.levels
        if self.chosen and levels is not None:
            preferred = members["label"].to_numpy() == levels.index(self.chosen)
            # A pair neither of whose members has the label gives nothing; count it once, by its factual.
            neither = (members["other_label"].to_numpy() != levels.index(self.chosen)) & ~preferred
            self.leave_out(
                f"pairs without a member that is {self.chosen}", int((differ & neither & (role == "factual")).sum())
            )
            return np.asarray(differ & preferred)
        if self.dataset.form.counterfactual_only:
            return np.asarray(differ & (role != "factual"))
        return np.asarray(differ)


def _mirrored(members: pa.Table) -> pa.Table:
    """The rows with own and other member exchanged."""
    swapped = {"own": "other", "other": "own", "label": "other_label", "other_label": "label"}
    return members.rename_columns([swapped.get(name, name) for name in members.column_names])
