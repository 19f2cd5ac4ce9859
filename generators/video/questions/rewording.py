"""Captions in other words, by the language model, kept only where no fact of them moved.

The template's caption is the record; a rewording is its dress. It must name the same times, the same thing and the same
event, and no other event; otherwise the template's own words stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from contrafact.engines.llm import Message, Request, Sampling
from contrafact.stages import Context
from generators.video.questions.facts import Fact, read_fact
from generators.video.questions.words import WORDS

__all__ = ["keeps_facts", "request", "reworded"]

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_LONGER = 2.5
_ASK = (
    "Say this description of a video in other words. Keep every time, every thing and every event exactly; add nothing."
    " Answer with the description alone, on one line."
)


def request(caption: str) -> Request:
    """What is asked about one caption."""
    sampling = Sampling(max_tokens=3 * len(caption.split()) + 32, stop=("\n",))
    return Request((Message("system", _ASK), Message("user", caption)), sampling=sampling)


def keeps_facts(caption: str, other: str, fact: Fact | None) -> bool:
    """Whether a rewording says what the caption says.

    Numbers must be the same, each as often; the edited thing and the word that tells its edit from all others must be
    there, and no such word of another edit that was not there before.
    """
    one, two = caption.lower(), other.lower()
    if not other.strip() or "\n" in other.strip() or len(other) > _LONGER * len(caption):
        return False
    if sorted(map(float, _NUMBER.findall(one))) != sorted(map(float, _NUMBER.findall(two))):
        return False
    told = [] if fact is None else [fact.subject.lower(), fact.say("key").lower()]
    if not all(each in two for each in told):
        return False
    others = [rf"\b{re.escape(each.key)}" for each in WORDS.values() if "{" not in each.key]
    return not any(re.search(key, two) and not re.search(key, one) for key in others)


def reworded(table: pa.Table, context: Context) -> pa.Table:
    """Candidates with their captions in other words, where those keep the facts, and with the replies' keys."""
    sides = {side: table[side].combine_chunks() for side in ("factual", "counterfactual")}
    hidden = table["hidden"].combine_chunks()
    facts = {"factual": _facts(hidden, "factual_edit"), "counterfactual": _facts(hidden, "edit")}
    placebos = pc.is_valid(pc.struct_field(hidden, "placebo")).to_pylist()  # both of their members show the factual
    shown = zip(placebos, facts["factual"], facts["counterfactual"], strict=True)
    facts["counterfactual"] = [one if placebo else other for placebo, one, other in shown]
    captions = {side: pc.struct_field(members, "caption").to_pylist() for side, members in sides.items()}
    asked = list(dict.fromkeys(each for some in captions.values() for each in some if each))
    replies = dict(zip(asked, context.engines.llm.ask([request(each) for each in asked]), strict=True))
    ids: list[list[str]] = [[] for _ in range(table.num_rows)]
    for side, members in sides.items():
        texts = []
        for row, caption in enumerate(captions[side]):
            reply = replies.get(caption)
            text = " ".join((reply.text or "").split()) if reply is not None else ""
            kept = reply is not None and keeps_facts(caption, text, facts[side][row])
            texts.append(text if kept else caption)
            if kept and reply is not None:
                ids[row].append(reply.key)
        table = table.set_column(table.schema.get_field_index(side), side, _with_captions(members, texts))
    return _with_ids(table, ids)


def _facts(hidden: pa.StructArray, name: str) -> list[Fact | None]:
    return [None if text is None else read_fact(text) for text in pc.struct_field(hidden, name).to_pylist()]


def _with_captions(members: pa.StructArray, captions: Sequence[str | None]) -> pa.StructArray:
    children: Mapping[str, pa.Array] = {"caption": pa.array(captions, pa.string())}
    fields = list(members.type)
    arrays = [children.get(each.name, pc.struct_field(members, each.name)) for each in fields]
    return pa.StructArray.from_arrays(arrays, fields=fields, mask=members.is_null())


def _with_ids(table: pa.Table, ids: Sequence[Sequence[str]]) -> pa.Table:
    column = pa.array(ids, pa.list_(pa.string()))
    if "request_ids" in table.column_names:
        return table.set_column(table.schema.get_field_index("request_ids"), "request_ids", column)
    return table.append_column("request_ids", column)
